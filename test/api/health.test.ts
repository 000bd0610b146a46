import assert from 'node:assert/strict';
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
});
