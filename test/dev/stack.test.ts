import assert from 'node:assert/strict';
import { access, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CONTROL_BUCKET, startStack, type Stack, type StackOptions } from '../../dev/stack.ts';

describe('embedded stack', function () {
  this.timeout(120_000);
  const stacks: Stack[] = [];

  async function start(options: StackOptions): Promise<Stack> {
    const stack = await startStack({ anyPorts: true, ...options });
    stacks.push(stack);
    return stack;
  }

  afterEach(async () => {
    for (const stack of stacks.splice(0)) await stack.stop();
  });

  it('names the part that does not start, and what it said', async () => {
    const env = { api: { CONTROL_BUCKET: '' } };
    await assert.rejects(
      start({ worker: false, env }),
      /API did not start \(exit code 78\).*CONTROL_BUCKET is required/s,
    );
  });

  it('keeps what storage and Temporal hold while each is killed and started again', async () => {
    const stack = await start({ worker: false, api: false, keepWorkflows: true });
    await stack.emulator.putObject(CONTROL_BUCKET, 'a b/ü#?%.txt', 'kept', { contentType: 'text/plain' });
    const before = await stack.emulator.statObject(CONTROL_BUCKET, 'a b/ü#?%.txt');

    for (const part of [stack.storage, stack.temporal]) {
      await part.kill();
      await part.start();
    }
    assert.equal(before?.size, 4);
    assert.deepEqual(await stack.emulator.statObject(CONTROL_BUCKET, 'a b/ü#?%.txt'), before);
    assert.deepEqual(await stack.emulator.listObjects(CONTROL_BUCKET, 'a b/'), ['a b/ü#?%.txt']);
  });

  it('lists what storage holds after it was killed while it wrote', async () => {
    const stack = await start({ worker: false, api: false });
    const objects = ['folder 100%/fake-gcs-object1', 'folder 100%/whole.txt'];
    for (const name of objects) await stack.emulator.putObject(CONTROL_BUCKET, name, 'all of it');
    await stack.storage.kill();
    const folder = join(stack.dataFolder, 'storage', CONTROL_BUCKET, 'folder 100%');
    await writeFile(join(folder, 'fake-gcs-object1234567890'), 'half of');
    await stack.storage.start();
    assert.deepEqual(await stack.emulator.listObjects(CONTROL_BUCKET, ''), objects);
  });

  it('leaves no data behind where no folder was given', async () => {
    const stack = await start({ worker: false, api: false });
    await stack.stop();
    await assert.rejects(access(stack.dataFolder), { code: 'ENOENT' });
    await assert.rejects(fetch(stack.storageUrl));
  });
});
