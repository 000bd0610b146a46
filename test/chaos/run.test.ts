import assert from 'node:assert/strict';
import { runChaos } from '../../chaos/chaos.ts';
import { shortRun } from '../../chaos/settings.ts';

describe('a short chaos run', function () {
  // It takes half a minute; what is bounded are its parts.
  this.timeout(180_000);

  it('of one seed, with all kinds of trouble: nothing happens that must not', async () => {
    const { violations, figures } = await runChaos(shortRun(20));
    assert.deepEqual(violations, []);
    const counts = new Map(figures);
    for (const trouble of ['worker killed', 'worker stopped', 'API killed', 'Temporal killed', 'storage gone']) {
      assert.ok((counts.get(trouble) ?? 0) > 0, `no ${trouble}`);
    }
    assert.ok((counts.get('jobs') ?? 0) > 0);
    assert.ok((counts.get('copies made') ?? 0) > 0);
  });
});
