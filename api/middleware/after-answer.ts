/**
 * Does this once the answer is on its way, in the next turn of the event loop: what is written down about a request keeps
 * nobody waiting for it (a line of the log is a write that blocks).
 */
export function afterAnswer(act: () => void): void {
  setImmediate(act);
}
