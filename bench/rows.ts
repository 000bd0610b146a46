/** A line of the table. */
export interface Row {
  scenario: string;
  figure: string;
  measured: string;
  /** What it is compared with; empty where it only informs. */
  beside: string;
  ratio: string;
  /** What is required of the ratio, or of the figure itself. */
  bound: string;
  /** Undefined: nothing is required. */
  isMet: boolean | undefined;
}

/** What is required of a ratio. */
export type Bound = { atLeast: number } | { atMost: number };

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

/** A number with its unit, in three figures or more: `1,229/s`, `0.64 ms`. */
export function amount(value: number, unit: string): string {
  const size = Math.abs(value);
  const text = size >= 100 || value === 0 ? whole.format(value) : value.toFixed(size >= 10 ? 1 : size >= 0.1 ? 2 : 4);
  return unit === '' || unit.startsWith('/') ? text + unit : `${text} ${unit}`;
}

interface Figure {
  scenario: string;
  figure: string;
  value: number;
  /** `/s` is put right behind the number. */
  unit: string;
}

/** A figure that only informs. */
export function told({ scenario, figure, value, unit }: Figure, beside = ''): Row {
  return { scenario, figure, measured: amount(value, unit), beside, ratio: '', bound: '', isMet: undefined };
}

/** A figure beside that of a peer, or beside what would be possible at best. Without a bound it only informs. */
export function compared(figure: Figure, peer: { name: string; value: number }, bound?: Bound): Row {
  const ratio = figure.value / peer.value;
  return {
    ...told(figure, `${peer.name} ${amount(peer.value, figure.unit)}`),
    ratio: ratio.toFixed(2),
    ...(bound !== undefined && { bound: describeBound(bound), isMet: meets(ratio, bound) }),
  };
}

/** A figure with a limit of its own. */
export function limited(figure: Figure, bound: Bound): Row {
  const limit = 'atLeast' in bound ? bound.atLeast : bound.atMost;
  return {
    ...told(figure),
    ratio: (figure.value / limit).toFixed(2),
    bound: describeBound(bound, figure.unit),
    isMet: meets(figure.value, bound),
  };
}

/** Two counts that have to be the same. */
export function same(scenario: string, figure: string, told: number, held: number): Row {
  return {
    ...{ scenario, figure, measured: amount(told, ''), beside: `storage holds ${amount(held, '')}` },
    ratio: '',
    bound: 'equal',
    isMet: told === held,
  };
}

/** A scenario that could not be measured, which misses whatever it was to meet. */
export function broken(scenario: string, problem: string): Row {
  return { scenario, figure: 'not measured', measured: '', beside: problem, ratio: '', bound: '', isMet: false };
}

function meets(value: number, bound: Bound): boolean {
  return 'atLeast' in bound ? value >= bound.atLeast : value <= bound.atMost;
}

function describeBound(bound: Bound, unit?: string): string {
  const limit = 'atLeast' in bound ? bound.atLeast : bound.atMost;
  const text = unit === undefined ? limit.toFixed(2) : amount(limit, unit);
  return `${'atLeast' in bound ? '≥' : '≤'} ${text}`;
}

export const COLUMNS = ['scenario', 'figure', 'measured', 'beside', 'ratio', 'bound', ''] as const;

/** The rows as texts, a scenario named once. */
export function toCells(rows: readonly Row[]): string[][] {
  return rows.map(({ scenario, figure, measured, beside, ratio, bound, isMet }, index) => {
    const name = rows[index - 1]?.scenario === scenario ? '' : scenario;
    return [name, figure, measured, beside, ratio, bound, isMet === undefined ? '' : isMet ? 'ok' : 'MISSED'];
  });
}
