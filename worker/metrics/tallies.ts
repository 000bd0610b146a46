import type { MetricMeter } from '@temporalio/common';

/** Counts in plain numbers. Adding costs a look into a map; telling the meter, 2 µs, is done now and then. */
export interface Tally<Label extends string> {
  /** Of 0 it makes a series: what first shows as 1 is no increase to Prometheus. */
  add(value: number, labels: Readonly<Record<Label, string>>): void;
}

/** Tallies that are told to the meter together. */
export class Tallies {
  readonly #meter: Pick<MetricMeter, 'createCounter'>;
  readonly #flushes: (() => void)[] = [];

  constructor(meter: Pick<MetricMeter, 'createCounter'>) {
    this.#meter = meter;
  }

  /** A counter with these labels. Each label has to have few values: every combination is a series for ever. */
  counter<const Label extends string>(name: string, help: string, labels: readonly Label[]): Tally<Label> {
    const counter = this.#meter.createCounter(name, '', help);
    const pending = new Map<string, { labels: Readonly<Record<Label, string>>; value: number; isTold: boolean }>();
    this.#flushes.push(() => {
      for (const entry of pending.values()) {
        if (entry.value === 0 && entry.isTold) continue;
        const whole = Math.floor(entry.value);
        counter.add(whole, entry.labels);
        entry.value -= whole;
        entry.isTold = true;
      }
    });
    return {
      add(value, values) {
        let key = '';
        for (const label of labels) key += `${values[label]}\n`;
        const entry = pending.get(key);
        if (entry === undefined) pending.set(key, { labels: { ...values }, value, isTold: false });
        else entry.value += value;
      },
    };
  }

  /** Tells the meter of what was added since. */
  flush(): void {
    for (const flush of this.#flushes) flush();
  }
}
