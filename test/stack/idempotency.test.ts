import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { holdBefore } from '../support/storage-proxy/index.ts';
import { useWorld } from './support/world.ts';

describe('the same correlation id', () => {
  const world = useWorld('calm');

  it('with the same request, twice at once and later, gives one answer, one workflow and one write for each file', async () => {
    const { proxy, temporal } = world();
    const caller = await world().newCaller();
    const names = await caller.files(3);
    const hold = holdBefore();
    proxy.inject(caller.rewrites(), hold);
    const id = randomUUID();
    const post = () => caller.decided(names, { id });

    const answers = await Promise.all([post(), post(), post()]);
    const { runId } = await temporal.workflow.getHandle(id).describe();
    answers.push(await post());
    hold.release();
    const { job, data } = await caller.ended(id);
    answers.push(await post());

    for (const { status, body } of answers) {
      assert.deepEqual([status, body], [200, answers[0].body]);
      assert.equal(body.data.CorrelationId, id);
    }
    assert.deepEqual([job.state, data.length], ['Completed', 3]);
    assert.deepEqual(caller.writes(names), [1, 1, 1]);
    assert.equal((await temporal.workflow.getHandle(id).describe()).runId, runId);
  });

  it('in capital letters is the same id', async () => {
    const caller = await world().newCaller();
    const names = await caller.files(1);
    const { body } = await caller.decided(names, { id: 'ABCDEF00-1234-4ABC-8DEF-0123456789AB' });
    assert.equal(body.data.CorrelationId, 'abcdef00-1234-4abc-8def-0123456789ab');
    const again = await caller.decided(names, { id: body.data.CorrelationId });
    assert.deepEqual([again.status, again.body], [200, body]);
  });

  it('with another request, or of another caller, is answered 409 while the job runs and after it', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    const other = await caller.actingAs('somebody-else');
    await caller.grant({ read: ['*'], write: ['*'] });
    const names = await caller.files(2);
    const hold = holdBefore();
    proxy.inject(caller.rewrites(), hold);
    const id = await caller.start(names);
    const conflicts = () =>
      Promise.all([
        caller.copy(names.slice(1), { id }),
        caller.copy(names.toReversed(), { id }),
        caller.copy(names, { id, overwrite: 'never' }),
        other.copy(names, { id }),
      ]);
    const statuses = (await conflicts()).map(({ status }) => status);
    hold.release();
    await caller.ended(id);
    statuses.push(...(await conflicts()).map(({ status }) => status));
    assert.deepEqual(statuses, Array(8).fill(409));
    assert.deepEqual(caller.writes(names), [1, 1]);
  });

  it('of a request refused for want of access keeps that answer when access is granted', async () => {
    const caller = await world().newCaller();
    const names = await caller.files(1);
    await caller.grant({ read: [caller.name], write: ['somebody-else'] });
    const id = randomUUID();
    const refused = await caller.decided(names, { id });
    assert.equal(refused.status, 403);
    assert.equal(
      refused.body.status.message,
      'The request is understood, but it has been refused or access is not allowed',
    );

    await caller.grant({ read: [caller.name], write: [caller.name] });
    const again = await caller.decided(names, { id });
    assert.deepEqual([again.status, again.body], [403, refused.body]);
    const { job, data } = await caller.ended(id);
    assert.deepEqual([job.state, data], ['Rejected', []]);
    assert.match(job.message, /^ACCESS_DENIED: /);
    assert.equal((await caller.copied(names)).job.state, 'Completed');
  });

  it('of a request refused for a lock keeps that answer when the lock is gone', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(2);
    const hold = holdBefore();
    proxy.inject(caller.rewrites(), hold);
    const holder = await caller.start(names.slice(1));
    const id = randomUUID();
    const refused = await caller.decided(names, { id });
    assert.equal(refused.status, 423);
    const message = `the file is locked by job ${holder}`;
    assert.deepEqual(refused.body.data.Files, [{ collectionId: caller.destinationId, fileName: names[1], message }]);

    hold.release();
    await caller.ended(holder);
    const again = await caller.decided(names, { id });
    assert.deepEqual([again.status, again.body], [423, refused.body]);
    const { job, data } = await caller.ended(id);
    assert.deepEqual([job.state, data], ['Rejected', []]);
    assert.equal(job.message, `FILE_LOCKED: "${names[1]}" in ${caller.destinationId}: ${message}`);
    assert.equal((await caller.copied(names)).job.state, 'Completed');
  });
});
