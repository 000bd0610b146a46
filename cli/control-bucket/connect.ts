import { loadStorageConfig } from '../../config/config.ts';
import { checkCredentials } from '../../config/credentials.ts';
import { createStorage, type StorageModule } from '../../storage/index.ts';
import type { CliContext } from '../context.ts';

/** A person is waiting: each request gets this long, in milliseconds. */
const REQUEST_TIMEOUT_MS = 15_000;

/** The control bucket, by the settings that the worker has too. Sends nothing yet; throws ConfigError. */
export function connectStorage({ env }: CliContext): StorageModule & { controlBucket: string } {
  const config = loadStorageConfig(env);
  checkCredentials(env);
  return { ...createStorage(config, { timeoutMs: REQUEST_TIMEOUT_MS }), controlBucket: config.controlBucket };
}
