import assert from 'node:assert/strict';
import { FakeClock } from '../support/fake-clock.ts';
import { setUp } from './support.ts';

const ok = () => Promise.resolve();
const failing = () => Promise.reject(new Error('connection to 10.0.0.7 refused'));
const silent = () => new Promise<void>(() => undefined);

describe('health', () => {
  it('is alive without a token, whatever the dependencies do', async () => {
    const response = await setUp({ readiness: { temporal: failing, storage: failing } }).request('/healthz');
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { status: 'alive' });
  });

  it('is ready where Temporal and storage answer', async () => {
    const response = await setUp().request('/readyz');
    assert.equal(response.status, 200);
    assert.deepEqual(await response.json(), { status: 'ready', checks: { temporal: 'ok', storage: 'ok' } });
  });

  for (const [what, temporal, storage, checks] of [
    ['Temporal fails', failing, ok, { temporal: 'failed', storage: 'ok' }],
    ['storage fails', ok, failing, { temporal: 'ok', storage: 'failed' }],
    ['Temporal is silent for longer than its time', silent, ok, { temporal: 'failed', storage: 'ok' }],
    ['both are', silent, silent, { temporal: 'failed', storage: 'failed' }],
  ] as const) {
    it(`is not ready where ${what}, and says which, but not why`, async () => {
      const { request, lines } = setUp({ readiness: { temporal, storage }, readinessTimeout: 5 });
      const response = await request('/readyz');
      assert.equal(response.status, 503);
      assert.ok(response.headers.has('retry-after'));
      assert.deepEqual(await response.json(), { status: 'unavailable', checks });
      const logged = lines.filter(({ msg }) => msg === 'not ready').map(({ dependency }) => dependency);
      assert.deepEqual(
        logged.sort(),
        Object.entries(checks)
          .flatMap(([name, check]) => (check === 'failed' ? [name] : []))
          .sort(),
      );
    });
  }

  it('looks once for all who ask within a second', async () => {
    const [looks, clock] = [{ temporal: 0, storage: 0 }, new FakeClock()];
    const looking = (dependency: keyof typeof looks) => () => {
      looks[dependency] += 1;
      return looks.storage < 3 ? ok() : failing();
    };
    const readiness = { temporal: looking('temporal'), storage: looking('storage') };
    const { request, lines } = setUp({ readiness, clock });
    const ask = async () => (await request('/readyz')).status;
    assert.deepEqual(await Promise.all([ask(), ask(), ask()]), [200, 200, 200]);
    assert.deepEqual(looks, { temporal: 1, storage: 1 });
    await clock.pass(999);
    assert.equal(await ask(), 200);
    assert.deepEqual(looks, { temporal: 1, storage: 1 });
    await clock.pass(1);
    assert.equal(await ask(), 200);
    assert.deepEqual(looks, { temporal: 2, storage: 2 });
    await clock.pass(1_000);
    assert.deepEqual(await Promise.all([ask(), ask()]), [503, 503]);
    assert.deepEqual(looks, { temporal: 3, storage: 3 });
    // The log tells of a look, not of each who asked.
    assert.equal(lines.filter(({ msg }) => msg === 'not ready').length, 1);
  });
});
