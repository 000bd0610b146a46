import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { CANCEL_SIGNAL } from '../../contract/ids.ts';
import type { Caller } from './support/caller.ts';
import type { Answer, CopyBody } from './support/http.ts';
import { until } from './support/until.ts';
import { useWorld } from './support/world.ts';

describe('while no worker runs', function () {
  this.timeout(90_000);
  const world = useWorld('rough', { withoutWorker: true });

  beforeEach(() => world().stack.worker.stop());

  async function knownToTemporal(id: string): Promise<void> {
    const describe = () => world().temporal.workflow.getHandle(id).describe();
    await until('Temporal has the job', () => describe().catch(() => undefined));
  }

  /** POSTs, again where the machine is too busy to make sure in time that the job is durable. */
  async function through503(post: () => Promise<Answer<CopyBody>>): Promise<Answer<CopyBody>> {
    return await until('the POST is answered otherwise than by 503', async () => {
      const answer = await post();
      return answer.status !== 503 && answer;
    });
  }

  it('a job is taken on all the same, is nobody else’s, and is carried out once a worker starts', async () => {
    const caller = await world().newCaller();
    const other = await caller.actingAs('somebody-else');
    const names = await caller.files(2);
    const id = randomUUID();

    const posting = caller.copy(names, { id });
    await knownToTemporal(id);
    const [logs, track] = await Promise.all([caller.logs(id), caller.track(id)]);
    // A POST takes 5 s to be answered here, so those that are to find the job there do not wait for the first.
    const [first, again, byOther, ofOtherFiles] = await Promise.all([
      posting,
      through503(() => caller.copy(names, { id })),
      through503(() => other.copy(names, { id })),
      through503(() => caller.copy(names.slice(1), { id })),
    ]);
    assert.equal(first.status, 202);
    assert.ok(first.tookMs < 6_000, `answered after ${first.tookMs} ms`);
    assert.equal(first.headers.get('x-correlation-id'), id);
    assert.deepEqual(first.body.status, { message: 'Files copying requested', code: '202' });
    assert.equal(first.body.data.CorrelationId, id);
    assert.equal(logs.status, 200);
    assert.deepEqual([logs.body.job.state, logs.body.data], ['Requested', []]);
    assert.equal(logs.body.job.counts.pending, 2);
    assert.deepEqual(track.body.data, {
      Summary: { FilesRequestedToBeCopied: '2', Succeeded: '0', Failed: '0' },
      Detail: [],
    });
    assert.deepEqual([again.status, again.body], [202, first.body]);
    assert.equal(byOther.status, 409);
    assert.equal(ofOtherFiles.status, 409);
    assert.equal((await other.logs(id)).status, 404);

    await world().stack.worker.start();
    const { job } = await caller.ended(id);
    assert.equal(job.state, 'Completed');
    assert.equal(job.startedAt, logs.body.job.startedAt, 'told from the record as by a worker');
    assert.deepEqual(caller.writes(names), [1, 1]);
    const decided = await caller.decided(names, { id });
    assert.deepEqual(
      [decided.status, decided.body.status.message, decided.body.data],
      [200, 'Files copying completed', first.body.data],
    );
    assert.equal((await other.copy(names, { id })).status, 409);
  });

  it('jobs can be cancelled, by POST, by signal and by Temporal: no file of theirs is copied then', async () => {
    const { stack, temporal } = world();
    const handle = (id: string) => temporal.workflow.getHandle(id);
    const ways = [
      async (caller: Caller, id: string) => {
        const { status, body } = await caller.cancel(id);
        assert.deepEqual([status, body.data.state], [200, 'Cancelling']);
        assert.equal((await caller.cancel(id)).status, 200);
      },
      (_: Caller, id: string) => handle(id).signal(CANCEL_SIGNAL),
      (_: Caller, id: string) => handle(id).cancel(),
    ];
    const cancelled = await Promise.all(
      ways.map(async (cancel) => {
        const caller = await world().newCaller();
        const names = await caller.files(2);
        const id = randomUUID();
        const post = caller.copy(names, { id });
        await knownToTemporal(id);
        await cancel(caller, id);
        return { caller, names, id, post };
      }),
    );
    await stack.worker.start();
    for (const { caller, names, id, post } of cancelled) {
      // 503: on a busy machine nobody could make sure in time that the job is durable.
      assert.ok([200, 202, 503].includes((await post).status));
      const { job, data } = await caller.ended(id);
      assert.equal(job.state, 'Cancelled');
      assert.deepEqual(
        data.map(({ state, payload, message }) => [state, payload.fileName, message.split(':')[0]]),
        names.map((name) => ['Cancelled', name, 'CANCELLED']),
      );
      assert.deepEqual(caller.writes(names), [0, 0]);
      assert.deepEqual(await caller.locks(), []);
      assert.equal((await caller.cancel(id)).status, 409);
    }
  });
});
