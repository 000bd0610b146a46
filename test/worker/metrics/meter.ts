import type { MetricMeter, MetricTags } from '@temporalio/common';

/** A meter that keeps what it is told: each series as it stands, by name and labels. */
export function rememberingMeter() {
  const series = new Map<string, number>();
  const keyOf = (name: string, tags: MetricTags = {}) => {
    const labels = Object.entries(tags).map(([label, value]) => `${label}=${value}`);
    return labels.length === 0 ? name : `${name} ${labels.join(' ')}`;
  };
  const meter = {
    createCounter: (name: string) => ({
      add(value: number, tags?: MetricTags) {
        if (!Number.isSafeInteger(value) || value < 0) throw new Error(`${name} is told ${value}`);
        series.set(keyOf(name, tags), (series.get(keyOf(name, tags)) ?? 0) + value);
      },
    }),
    createGauge: (name: string) => ({
      set(value: number, tags?: MetricTags) {
        if (!Number.isFinite(value)) throw new Error(`${name} is told ${value}`);
        series.set(keyOf(name, tags), value);
      },
    }),
  };
  return { meter: meter as unknown as MetricMeter, series };
}
