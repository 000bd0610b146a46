/** ISO 8601 with offset, in UTC, from milliseconds since the epoch; null where there is no time yet. */
export function timestamp(at: number): string;
export function timestamp(at: number | null): string | null;
export function timestamp(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString().replace('Z', '+00:00');
}
