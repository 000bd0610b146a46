import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import type { Caller } from './support/caller.ts';
import type { Answer, CopyBody, LogsBody, TrackBody } from './support/http.ts';
import { until } from './support/until.ts';
import { useWorld } from './support/world.ts';

describe('a finished job that was deleted from Temporal', function () {
  this.timeout(90_000);
  const world = useWorld('calm');

  /** What was to be seen before the job was deleted. */
  interface Finished {
    caller: Caller;
    names: string[];
    id: string;
    post: Answer<CopyBody>;
    logs: LogsBody;
    track: TrackBody;
  }
  let copied: Finished;
  let refused: Finished;

  async function finish({ mayWrite }: { mayWrite: boolean }): Promise<Finished> {
    const caller = await world().newCaller();
    const names = [...(await caller.files(2)), 'missing.txt'];
    if (!mayWrite) await caller.grant({ read: [caller.name], write: [] });
    const id = randomUUID();
    const post = await caller.decided(names, { id });
    const logs = await caller.ended(id);
    return { caller, names, id, post, logs, track: (await caller.track(id)).body };
  }

  /** Deletes a job as the Web UI does, and waits until Temporal knows it no more. */
  async function forget({ id }: Finished): Promise<void> {
    const { temporal } = world();
    const { namespace } = temporal.options;
    await temporal.workflowService.deleteWorkflowExecution({ namespace, workflowExecution: { workflowId: id } });
    const isGone = async () => {
      try {
        await temporal.workflow.getHandle(id).describe();
        return false;
      } catch (error) {
        if (error instanceof WorkflowNotFoundError) return true;
        throw error;
      }
    };
    await until(`${id} is deleted`, isGone, { every: 200 });
  }

  before(async () => {
    [copied, refused] = await Promise.all([finish({ mayWrite: true }), finish({ mayWrite: false })]);
    await Promise.all([forget(copied), forget(refused)]);
  });

  it('is seen as before by its caller and by administrators, and by nobody else', async () => {
    const { caller, id, logs, track } = copied;
    const admin = await caller.actingAs('an-admin', ['apollo_read', 'apollo_write', 'apollo_admin']);
    for (const viewer of [caller, admin]) {
      const logsNow = await viewer.logs(id);
      assert.deepEqual([logsNow.status, logsNow.body], [200, logs]);
      const trackNow = await viewer.track(id);
      assert.deepEqual([trackNow.status, trackNow.body], [200, track]);
      const cancel = await viewer.cancel(id);
      assert.deepEqual([cancel.status, cancel.body.data], [409, logs.job]);
    }
    const other = await caller.actingAs('somebody-else');
    for (const { status } of [await other.logs(id), await other.track(id), await other.cancel(id)]) {
      assert.equal(status, 404);
    }
  });

  it('answers its POST as before and copies nothing; another request or caller gets 409', async () => {
    const { caller, names, id, post, logs } = copied;
    const other = await caller.actingAs('somebody-else');
    const again = await caller.decided(names, { id });
    assert.deepEqual([again.status, again.body], [200, post.body]);
    assert.equal((await caller.copy(names.slice(1), { id })).status, 409);
    assert.equal((await caller.copy(names, { id, overwrite: 'never' })).status, 409);
    assert.equal((await other.copy(names, { id })).status, 409);

    await world().temporal.workflow.getHandle(id).result();
    assert.deepEqual((await caller.logs(id)).body, logs);
    assert.deepEqual(caller.writes(names), [1, 1, 0]);
    assert.deepEqual(await caller.locks(), []);
  });

  it('keeps its refusal, even after access was granted', async () => {
    const { caller, names, id, post, logs } = refused;
    assert.deepEqual([post.status, logs.job.state], [403, 'Rejected']);
    await caller.grant({ read: [caller.name], write: [caller.name] });
    const again = await caller.decided(names, { id });
    assert.deepEqual([again.status, again.body], [403, post.body]);
    assert.deepEqual((await caller.logs(id)).body, logs);
    assert.deepEqual(caller.writes(names), [0, 0, 0]);
  });
});
