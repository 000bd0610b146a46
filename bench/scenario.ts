import type { Bench } from './bench.ts';
import type { Row } from './rows.ts';
import type { Mode } from './settings.ts';

/** Something that is measured. */
export interface Scenario {
  /** For `--only`. */
  name: string;
  /** As the table calls it. */
  title: string;
  modes: readonly Mode[];
  /** Throws where it cannot be measured, which counts as missed. */
  run(bench: Bench, title: string): Promise<Row[]>;
}
