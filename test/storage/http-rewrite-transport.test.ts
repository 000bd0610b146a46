import type { StorageConfig } from '../../config/config.ts';
import { createJsonApi } from '../../storage/client.ts';
import { createRewriteTransport } from '../../storage/http-rewrite-transport.ts';
import { describeRewriteTransport } from './rewrite-transport-contract.ts';

const create = (config: StorageConfig, { timeoutMs }: { timeoutMs: number }) =>
  createRewriteTransport(createJsonApi(config, { retries: 0, timeoutMs }));

describeRewriteTransport('rewrite transport over HTTP, on the strict proxy', create, { on: 'proxy' });
describeRewriteTransport('rewrite transport over HTTP, on the plain emulator', create, { on: 'emulator' });
