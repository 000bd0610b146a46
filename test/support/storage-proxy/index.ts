/** A strict, fault-injecting proxy in front of the storage emulator. */
export { startStorageProxy, type StorageProxy } from './proxy.ts';
export type { LoggedRequest, Moment } from './request-log.ts';
export type { Matcher, Rule } from './rules.ts';
export type { Operation, StorageRequest } from './storage-request.ts';
export * from './faults.ts';
