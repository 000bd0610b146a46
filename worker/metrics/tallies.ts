import type { MetricMeter } from '@temporalio/common';

/** One series of a counter, to which adding costs an addition. */
export interface Series {
  add(value: number): void;
}

/** Counts in plain numbers; telling the meter, which costs 2 µs, is done now and then. */
export interface Tally<Label extends string> {
  /** The series with these labels. What first shows as 1 is no increase to Prometheus, so it shows as 0 from now on. */
  series(labels: Readonly<Record<Label, string>>): Series;
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
    const all = new Map<string, PendingSeries>();
    this.#flushes.push(() => {
      for (const series of all.values()) series.tell(counter);
    });
    const series = (values: Readonly<Record<Label, string>>) => {
      let key = '';
      for (const label of labels) key += `${values[label]}\n`;
      let one = all.get(key);
      if (one === undefined) all.set(key, (one = new PendingSeries({ ...values })));
      return one;
    };
    return {
      series,
      add(value, values) {
        series(values).add(value);
      },
    };
  }

  /** Tells the meter of what was added since. */
  flush(): void {
    for (const flush of this.#flushes) flush();
  }
}

/** What was added to a series and is not told yet. */
class PendingSeries implements Series {
  readonly #labels: Readonly<Record<string, string>>;
  #value = 0;
  #isTold = false;

  constructor(labels: Readonly<Record<string, string>>) {
    this.#labels = labels;
  }

  add(value: number): void {
    this.#value += value;
  }

  /** The SDK's counters are whole numbers: what is less than one is kept for the next time. */
  tell(counter: ReturnType<MetricMeter['createCounter']>): void {
    if (this.#value === 0 && this.#isTold) return;
    const whole = Math.floor(this.#value);
    counter.add(whole, this.#labels);
    this.#value -= whole;
    this.#isTold = true;
  }
}
