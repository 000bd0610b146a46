import type { StorageConfig } from '../../config/config.ts';
import { accessStorage } from '../../storage/client.ts';
import { HttpRewriteTransport } from '../../storage/http-rewrite-transport.ts';
import { describeRewriteTransport } from './rewrite-transport-contract.ts';

const create = (config: StorageConfig, { timeoutMs }: { timeoutMs: number }) =>
  new HttpRewriteTransport({ ...accessStorage(config), timeoutMs });

describeRewriteTransport('rewrite transport over HTTP, on the strict proxy', create, { on: 'proxy' });
describeRewriteTransport('rewrite transport over HTTP, on the plain emulator', create, { on: 'emulator' });
