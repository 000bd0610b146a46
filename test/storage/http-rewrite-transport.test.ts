import assert from 'node:assert/strict';
import type { StorageConfig } from '../../config/config.ts';
import { accessStorage } from '../../storage/client.ts';
import { HttpRewriteTransport } from '../../storage/http-rewrite-transport.ts';
import { describeRewriteTransport } from './rewrite-transport-contract.ts';

const create = (config: StorageConfig, { timeoutMs }: { timeoutMs: number }) =>
  new HttpRewriteTransport({ ...accessStorage(config), timeoutMs });

describeRewriteTransport('rewrite transport over HTTP, on the strict proxy', create, { on: 'proxy' });
describeRewriteTransport('rewrite transport over HTTP, on the plain emulator', create, { on: 'emulator' });

describe('a call that cannot be written as a request', () => {
  it('fails, and throws nothing at whoever gives it a lane', async () => {
    const access = { origin: 'http://127.0.0.1:9', authorize: () => ({}), refused: () => undefined };
    const transport = new HttpRewriteTransport({ ...access, timeoutMs: 1_000 });
    const place = { bucket: 'bucket', name: 'half a \ud800 pair' };
    const call = { source: { ...place, generation: '1' }, destination: place, ifGenerationMatch: '0' };
    const error = await new Promise((failed) => {
      transport.send(call, { answered: () => assert.fail(), failed });
    });
    assert.ok(error instanceof URIError);
  });
});
