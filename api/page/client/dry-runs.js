/**
 * Copies that were tried without copying, from this tab: by the dry run's correlation id, the request to send for real.
 * @type {Map<string, unknown>}
 */
export const dryRuns = new Map();
