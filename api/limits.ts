/** The bounds that keep the API answering whatever its clients do, each with its reason. */
export const LIMITS = {
  /** The longest wait for more of a body, in milliseconds: longer than any network's own retries, and not by much. */
  bodyIdleMs: 15_000,
} as const;

export type ApiLimits = Readonly<{ bodyIdleMs: number }>;
