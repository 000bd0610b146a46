/** What tests share is started by the first that needs it, and ended once here. */
const cleanups: (() => Promise<void>)[] = [];

/** Has something ended after the last test; the last one registered goes first. */
export function afterAllTests(cleanup: () => Promise<void>): void {
  cleanups.push(cleanup);
}

export const mochaHooks = {
  async afterAll(): Promise<void> {
    for (const cleanup of cleanups.reverse()) await cleanup();
  },
};
