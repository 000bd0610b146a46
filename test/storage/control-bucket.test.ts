import assert from 'node:assert/strict';
import { ConfigError } from '../../config/config.ts';
import { findControlBucket } from '../../storage/control-bucket.ts';
import { makeTestStorage, type TestStorage } from '../support/emulator.ts';
import { answerError, resetBefore } from '../support/storage-proxy/index.ts';
import { failsAs } from './assertions.ts';

describe('the control bucket', () => {
  let storage: TestStorage;

  before(async () => {
    storage = await makeTestStorage();
  });

  afterEach(() => {
    storage.proxy.removeFaults();
  });

  const find = (bucket = storage.controlBucket) => findControlBucket(storage.connect().objects, bucket);

  it('is found where it is there, with nothing in it', async () => {
    await find();
  });

  it('is a wrong setting where storage says that it does not exist', async () => {
    const text = 'the control bucket nobucket (CONTROL_BUCKET) does not exist';
    await assert.rejects(find('nobucket'), new ConfigError(text));
  });

  it('is no wrong setting where storage does not say', async () => {
    for (const [fault, kind] of [
      [answerError(403), 'forbidden'],
      [answerError(503), 'unavailable'],
      [resetBefore(), 'unavailable'],
    ] as const) {
      storage.proxy.removeFaults();
      storage.proxy.inject({ operation: 'list', bucket: storage.controlBucket }, fault);
      await failsAs(find(), kind);
    }
  });
});
