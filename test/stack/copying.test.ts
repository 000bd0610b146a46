import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import { answerError, meanwhile } from '../support/storage-proxy/index.ts';
import { fileStates } from './support/caller.ts';
import { useWorld } from './support/world.ts';

describe('copying', () => {
  const world = useWorld('calm');

  describe('onto files that are there', () => {
    const cases = [
      { overwrite: 'always', same: 'Completed', different: 'Completed', content: 'new', code: '' },
      { overwrite: 'never', same: 'Skipped', different: 'Skipped', content: 'old', code: 'DESTINATION_EXISTS' },
      {
        overwrite: 'ifDifferent',
        same: 'Skipped',
        different: 'Completed',
        content: 'new',
        code: 'DESTINATION_UNCHANGED',
      },
    ] as const;
    for (const { overwrite, same, different, content, code } of cases) {
      it(`with overwrite "${overwrite}": one that differs is ${different}, one with the same content ${same}`, async () => {
        const caller = await world().newCaller();
        for (const name of ['absent', 'same', 'different']) await caller.put(name, 'new');
        await caller.putAtDestination('same', 'new');
        await caller.putAtDestination('different', 'old');
        const was = await caller.stored('same');

        const logs = await caller.copied(['absent', 'same', 'different'], { overwrite });
        assert.equal(logs.job.state, 'Completed');
        assert.deepEqual(fileStates(logs), { absent: 'Completed', same, different });
        assert.deepEqual([await caller.content('absent'), await caller.content('different')], ['new', content]);
        assert.equal((await caller.stored('same'))?.generation === was?.generation, same === 'Skipped');
        const { skipped, completed } = logs.job.counts;
        assert.equal(skipped + completed, 3);
        for (const { state, message } of logs.data) {
          assert.equal(message.split(':')[0], state === 'Skipped' ? code : '');
        }
        const { Detail } = (await caller.track(logs.job.correlationId)).body.data;
        assert.deepEqual(
          Detail.map(({ Status }) => Status),
          logs.data.map(({ state }) => (state === 'Skipped' ? 3 : 1)),
        );
      });
    }
  });

  it('gives a file another name where one is asked for', async () => {
    const caller = await world().newCaller();
    await caller.put('here.txt', 'the content');
    const { job, data } = await caller.copied([['here.txt', 'there/and then.txt']]);
    assert.equal(job.state, 'Completed');
    assert.equal(data[0]!.payload.destinationFileName, 'there/and then.txt');
    assert.equal(await caller.content('there/and then.txt'), 'the content');
    assert.equal(await caller.stored('here.txt'), undefined);
  });

  it('goes on without a source that is missing, and says so', async () => {
    const caller = await world().newCaller();
    const [name = ''] = await caller.files(1);
    const logs = await caller.copied(['missing.txt', name]);
    assert.equal(logs.job.state, 'CompletedWithErrors');
    assert.deepEqual(fileStates(logs), { 'missing.txt': 'Failed', [name]: 'Completed' });
    assert.match(logs.data[0]!.message, /^SOURCE_NOT_FOUND: /);
    assert.equal(logs.data[0]!.retryCount, 0);
    assert.equal(await world().closedAs(logs.job.correlationId), 'COMPLETED');
  });

  it('fails where every source is missing', async () => {
    const caller = await world().newCaller();
    const logs = await caller.copied(['missing.txt', 'missing too.txt']);
    assert.equal(logs.job.state, 'Failed');
    assert.deepEqual([logs.job.counts.failed, logs.job.counts.pending], [2, 0]);
    assert.equal(await world().closedAs(logs.job.correlationId), 'FAILED');
    assert.deepEqual(await caller.locks(), []);
  });

  it('takes the new content of a source that is replaced between two attempts', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    await caller.put('file.txt', 'old');
    proxy.inject(
      caller.rewrites(),
      meanwhile(() => caller.put('file.txt', 'newer')),
      { times: 1 },
    );
    proxy.inject(caller.rewrites(), answerError(503), { times: 1 });
    const { job, data } = await caller.copied(['file.txt']);
    assert.deepEqual([job.state, data[0]!.retryCount], ['Completed', 1]);
    assert.equal(await caller.content('file.txt'), 'newer');
    assert.equal(job.counts.bytes, 5);
  });

  it('never mixes two contents of a source that is replaced between being read and being copied', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    await caller.put('file.txt', 'old');
    proxy.inject(
      caller.rewrites(),
      meanwhile(() => caller.put('file.txt', 'newer')),
      { times: 1 },
    );
    const { job, data } = await caller.copied(['file.txt']);
    assert.deepEqual([job.state, data[0]!.retryCount], ['Completed', 1]);
    assert.equal(await caller.content('file.txt'), 'newer');
    assert.deepEqual(data[0]!.payload.crc32c, (await caller.stored('file.txt'))?.crc32c);
  });

  it('writes over what somebody else has put at the destination meanwhile, by pinning it again', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    await caller.put('file.txt', 'ours');
    proxy.inject(
      caller.rewrites(),
      meanwhile(() => caller.putAtDestination('file.txt', 'theirs')),
      { times: 1 },
    );
    const { job, data } = await caller.copied(['file.txt']);
    assert.deepEqual([job.state, data[0]!.retryCount], ['Completed', 0]);
    assert.equal(await caller.content('file.txt'), 'ours');
    assert.deepEqual(
      proxy.requests(caller.rewrites()).map(({ status }) => status),
      [412, 200],
    );
  });

  // The emulator keeps objects as files here, and takes a//b for a/b: such names are for test/storage, where it has memory.
  it('keeps bytes and names as they are: Unicode in both normal forms, spaces, %, ?, #, emoji, 200 characters (not //)', async () => {
    const { stack } = world();
    const caller = await world().newCaller();
    const names = [
      'Grüße.txt'.normalize('NFC'),
      'Grüße.txt'.normalize('NFD'),
      ' spaces  all over .txt ',
      '100%.txt',
      '100%25.txt',
      '%2e%2e/%2F',
      'what?.txt?generation=1',
      'a#b.txt',
      'a/b/c.txt',
      '🎉 party/👩‍👩‍👧.txt',
      '日本語/ファイル',
      'a+b&c=d;e,f.txt',
      `"quotes' and \\ back\tslashes`,
      '...',
      '*?[a]{b}$(c)`d`',
      'x'.repeat(200),
    ];
    const contents = new Map(names.map((name, index) => [name, randomBytes(index * 100)]));
    for (const [name, content] of contents) await caller.put(name, content);

    const logs = await caller.copied(names);
    assert.equal(logs.job.state, 'Completed');
    assert.deepEqual(
      logs.data.map(({ payload }) => payload.fileName),
      names,
    );
    for (const [name, content] of contents) {
      const copy = await stack.emulator.getObject(caller.bucket, `to/${name}`);
      assert.ok(copy !== undefined && content.equals(copy), name);
    }
    const stored = await stack.emulator.listObjects(caller.bucket, 'to/');
    assert.deepEqual(stored.sort(), names.map((name) => `to/${name}`).sort());
    assert.deepEqual(await caller.locks(), []);
  });

  it('waits for a control bucket that refuses the locks, instead of failing a job that was not decided', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(2);
    const isLock = {
      operation: 'upload',
      bucket: CONTROL_BUCKET,
      name: new RegExp(`^locks/${caller.bucket}/`),
    } as const;
    proxy.inject(isLock, answerError(403, { reason: 'forbidden' }), { times: 6 });
    assert.equal((await caller.copied(names)).job.state, 'Completed');
    assert.deepEqual(await caller.locks(), []);
  });

  it('gets through while storage answers 30% of rewrites and reads with 503, and writes each file once', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(12);
    const isOurs = (bucket: string, name: string) =>
      bucket === caller.bucket || name.startsWith(`locks/${caller.bucket}/`);
    const asked = { rewrite: 0, stat: 0 };
    const fault = proxy.inject(({ operation, bucket, name }) => {
      if ((operation !== 'rewrite' && operation !== 'stat') || !isOurs(bucket, name)) return false;
      asked[operation] += 1;
      return asked[operation] % 10 < 3;
    }, answerError(503));
    const { job, data } = await caller.copied(names);
    fault.remove();
    assert.ok(fault.hits >= 12, `only ${fault.hits} requests failed`);
    assert.equal(job.state, 'Completed');
    assert.ok(data.some(({ retryCount }) => retryCount > 0));
    assert.deepEqual(
      caller.writes(names),
      names.map(() => 1),
    );
  });
});
