/** A strict, fault-injecting proxy in front of the storage emulator. */
export { startStorageProxy, type StorageProxy } from './proxy.ts';
export type { Matcher, Rule } from './rules.ts';
export * from './faults.ts';
