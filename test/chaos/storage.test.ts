import assert from 'node:assert/strict';
import { createRandom } from '../../chaos/random.ts';
import { FAIR, startChaosStorage, type ChaosStorage } from '../../chaos/storage/storage.ts';
import { createStorage, type StorageModule } from '../../storage/index.ts';
import { isStorageError } from '../../storage/errors.ts';
import { until } from '../stack/support/until.ts';

const BUCKET = 'files';

describe('the storage of a chaos run', () => {
  let chaos: ChaosStorage;
  let storage: StorageModule;

  before(async () => {
    chaos = await startChaosStorage(createRandom(1), [BUCKET]);
    const config = { controlBucket: BUCKET, projectId: 'test', emulatorHost: chaos.url };
    storage = createStorage(config, { autoRetry: false });
  });

  afterEach(() => {
    chaos.setWeather(FAIR);
  });

  after(() => chaos.close());

  async function rewriteOf(from: string, to: string) {
    const source = { bucket: BUCKET, name: from };
    const { generation } = (await storage.objects.stat(source))!;
    return (rewriteToken?: string) =>
      storage.transport.rewrite({
        source: { ...source, generation },
        destination: { bucket: BUCKET, name: to },
        ifGenerationMatch: '0',
        rewriteToken,
      });
  }

  it('logs every copy that it made, also one whose answer was lost, and none that it did not make', async () => {
    chaos.put(BUCKET, 'from/ä', 'content');
    const [made, lost, failed] = [
      await rewriteOf('from/ä', 'to/made'),
      await rewriteOf('from/ä', 'to/lost'),
      await rewriteOf('from/ä', 'to/failed'),
    ];
    await made();
    chaos.setWeather({ ...FAIR, faults: { lostAnswers: 1 } });
    await assert.rejects(lost(), (error) => isStorageError(error, 'unavailable'));
    chaos.setWeather({ ...FAIR, faults: { resets: 1 } });
    await assert.rejects(failed(), (error) => isStorageError(error, 'unavailable'));
    assert.deepEqual(
      chaos.writes.map(({ from, to, size }) => [from, to, size]),
      ['to/made', 'to/lost'].map((to) => [`${BUCKET}/from/ä`, `${BUCKET}/${to}`, 7]),
    );
    assert.deepEqual(chaos.list(BUCKET, 'to/'), ['to/lost', 'to/made']);
    assert.equal(chaos.get(BUCKET, 'to/lost')?.content.toString(), 'content');
    assert.equal(chaos.faults, 2);
  });

  it('copies a long file in several calls, and is strict about their tokens', async () => {
    chaos.put(BUCKET, 'from/long-1', 'content');
    const rewrite = await rewriteOf('from/long-1', 'to/long-1');
    let calls = 0;
    let token: string | undefined;
    for (;;) {
      calls += 1;
      const answer = await rewrite(token);
      if (answer.done) break;
      token = answer.rewriteToken;
    }
    assert.equal(calls, 4);
    const other = await rewriteOf('from/long-1', 'to/other');
    await assert.rejects(other(token), (error) => isStorageError(error, 'refused'));
  });

  it('says nothing while it is silent, and carries nothing of that out', async () => {
    chaos.setWeather({ ...FAIR, away: 'silent' });
    const ref = { bucket: BUCKET, name: 'asked for in silence' };
    let isAnswered = false;
    const before = chaos.faults;
    const writing = storage.objects.write(ref, 'x', { contentType: 'text/plain' }).finally(() => {
      isAnswered = true;
    });
    const refused = assert.rejects(writing, (error) => isStorageError(error));
    await until('it is asked', () => chaos.faults > before);
    assert.equal(isAnswered, false);
    chaos.setWeather({ ...FAIR, away: 'broken' });
    await refused;
    assert.equal(chaos.get(BUCKET, ref.name), undefined);
  });

  it('breaks all connections while it is gone', async () => {
    chaos.setWeather({ ...FAIR, away: 'broken' });
    await assert.rejects(storage.objects.stat({ bucket: BUCKET, name: 'any' }), (error) => isStorageError(error));
  });
});
