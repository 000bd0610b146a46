import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { JobView } from '../../api/schemas/job.ts';
import type { LogRecord } from '../../api/schemas/log-record.ts';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import {
  answerError,
  delay,
  holdBefore,
  inPagesOf,
  stallAnswer,
  type Matcher,
} from '../support/storage-proxy/index.ts';
import { REQUEST_TIMEOUT_MS } from '../../storage/client.ts';
import { pendingActivities, toldToStop, waitedSinceCancel } from './support/activities.ts';
import type { Caller } from './support/caller.ts';
import type { CopyBody } from './support/http.ts';
import { until } from './support/until.ts';
import { useWorld } from './support/world.ts';

/** Posts a bulk request, which need not be decided yet, and gives the job's correlation id. */
async function startBulk(caller: Caller, body: object): Promise<string> {
  const { status, body: answer } = await caller.http.post<CopyBody>('/apollo/files/copy', body);
  assert.ok(status === 200 || status === 202, JSON.stringify(answer));
  return answer.data.CorrelationId;
}

function prefixOf(caller: Caller, prefix: string, options: object = {}): object {
  const { sourceId: sourceCollectionId, destinationId: destinationCollectionId } = caller;
  return { collection: { sourceCollectionId, destinationCollectionId, prefix }, options };
}

/** All records of a job, page by page. */
async function allLogs(caller: Caller, id: string, query: Record<string, string> = {}): Promise<LogRecord[]> {
  const records: LogRecord[] = [];
  let continuationToken: string | null = '';
  while (continuationToken !== null) {
    const { body } = await caller.logs(id, { ...query, ...(continuationToken !== '' && { continuationToken }) });
    records.push(...body.data);
    ({ continuationToken } = body.paging);
  }
  return records;
}

function states(records: readonly LogRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { state } of records) counts[state] = (counts[state] ?? 0) + 1;
  return counts;
}

describe('a bulk job', function () {
  this.timeout(120_000);
  const world = useWorld('calm');

  it('copies everything under a prefix, each file once, and tells of each of them', async () => {
    const caller = await world().newCaller();
    const names = await caller.files(1_100, 'many/file');
    await caller.put('other/file');
    const { status, body } = await caller.decidedPost('/apollo/files/copy', prefixOf(caller, 'many/'));
    assert.equal(status, 200);
    assert.equal(body.data.Message, 'Number of file copy requests:pending');
    const id = body.data.CorrelationId;
    // Over so many files the emulator may take longer for a listing than the API waits for it, on a busy machine.
    const { job } = await caller.ended(id, { through503: true });
    assert.deepEqual([job.state, job.counts.requested, job.counts.completed], ['Completed', 1_100, 1_100]);
    const records = await allLogs(caller, id);
    assert.deepEqual(
      records.map(({ payload }) => payload.fileName),
      names,
    );
    assert.deepEqual(states(records), { Completed: 1_100 });
    assert.ok(caller.writes(names).every((count) => count === 1));
    for (const name of [names[0] ?? '', names.at(-1) ?? '']) {
      assert.equal(await caller.content(name), `content of ${name}`);
    }
    assert.equal(await caller.stored('other/file'), undefined);
    assert.deepEqual(await caller.locks(), []);
    const track = await caller.track(id);
    assert.equal(track.body.data.Summary.Succeeded, '1100');
  });

  it('tells how far it is while its first chunk is being copied, in every view alike', async () => {
    const caller = await world().newCaller();
    const names = await caller.files(12, 'slow/file');
    const held = holdBefore();
    world().proxy.inject(caller.rewrites(/0009|001/), held, { times: 3 });
    const request = prefixOf(caller, 'slow/');
    const id = await startBulk(caller, request);
    const isTold = async () => (await caller.logs(id, { limit: '1' })).body.job.counts.completed === 9;
    await until('the counts tell of the nine files that are copied', isTold);
    const list = await caller.http.get<{ data: JobView[] }>('/apollo/files/copy?limit=1');
    const headers = { 'x-correlation-id': id, prefer: 'wait=1' };
    const wait = async () => (await caller.http.post<CopyBody>('/apollo/files/copy', request, headers)).body.data;
    const waited = await wait();
    assert.equal(waited.Message, 'Number of file copy requests:12', 'all are listed by then');
    const paused = await caller.pause(id);
    for (const counts of [list.body.data[0]?.counts, waited.Job?.counts, paused.body.data.counts]) {
      assert.deepEqual([counts?.requested, counts?.completed, counts?.pending], [12, 9, 3]);
    }
    const copied = (await caller.logs(id, { state: 'Completed' })).body;
    assert.equal(copied.paging.totalCount, copied.data.length, 'the records follow chunk by chunk');
    held.release();
    await caller.resume(id);
    const { job } = await caller.ended(id);
    assert.deepEqual([job.state, job.counts.completed], ['Completed', 12]);
    assert.equal((await wait()).Message, 'Number of file copy requests:12');
    assert.ok(caller.writes(names).every((count) => count === 1));
  });

  it('is completed where storage refuses every file of a chunk at first', async () => {
    const caller = await world().newCaller();
    const names = await caller.files(4, 'refused/file');
    // More often than one pass over the chunk tries.
    world().proxy.inject(caller.rewrites(/^refused/), answerError(503), { times: 4 * 4 + 1 });
    const { job } = await caller.ended(await startBulk(caller, prefixOf(caller, 'refused/')));
    assert.deepEqual([job.state, job.counts.completed], ['Completed', 4]);
    assert.ok(caller.writes(names).every((count) => count === 1));
  });

  it('of a prefix with nothing under it is completed with 0 files', async () => {
    const caller = await world().newCaller();
    await caller.put('elsewhere');
    const { job, data } = await caller.ended(await startBulk(caller, prefixOf(caller, 'nothing/')));
    assert.deepEqual([job.state, job.counts.requested, data], ['Completed', 0, []]);
  });

  it('copies what a manifest lists; lines that are wrong fail with their number, and the rest goes on', async () => {
    const caller = await world().newCaller();
    const names = await caller.files(3, 'listed');
    const line = (fileName: string) =>
      JSON.stringify({
        ...{ sourceCollectionId: caller.sourceId, destinationCollectionId: caller.destinationId, fileName },
      });
    const [one = '', two = '', three = ''] = names;
    const lines = [line(one), '{"nonsense"', line(two), line(one), line('not-there'), line(three)];
    await caller.put('list.ndjson.gz', gzipSync(lines.join('\n')), 'application/gzip');
    const id = await startBulk(caller, { manifest: { collectionId: caller.sourceId, fileName: 'list.ndjson.gz' } });
    const { job } = await caller.ended(id);
    assert.deepEqual([job.state, job.counts.completed, job.counts.failed], ['CompletedWithErrors', 3, 3]);
    const failed = await allLogs(caller, id, { state: 'Failed' });
    assert.deepEqual(
      failed.map(({ message }) => /line \d+|SOURCE_NOT_FOUND/.exec(message)?.[0]),
      ['line 2', 'line 4', 'SOURCE_NOT_FOUND'],
    );
    assert.deepEqual(caller.writes(names), [1, 1, 1]);
  });

  it('copies a list that is too long to travel, and its retry takes on what failed, which is as long', async () => {
    const caller = await world().newCaller();
    const names = await caller.files(1_002, 'long/file');
    const missing = names.map((name) => `${name}.missing`);
    const id = await startBulk(caller, caller.request([...names, ...missing]));
    const { job } = await caller.ended(id);
    assert.deepEqual([job.state, job.counts.requested], ['CompletedWithErrors', 2_004]);
    assert.deepEqual([job.counts.completed, job.counts.failed], [1_002, 1_002]);
    assert.ok(caller.writes(names).every((count) => count === 1));
    const retried = await caller.retry(id);
    assert.equal(retried.status, 200, JSON.stringify(retried.body));
    const again = await caller.ended(retried.body.data.CorrelationId);
    assert.deepEqual([again.job.state, again.job.counts.failed], ['Failed', 1_002]);
  });

  it('holds what is under its destination: others are refused until it has ended', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(20, 'held/file');
    const hold = holdBefore();
    proxy.inject(caller.rewrites(/^held/), hold);
    const id = await startBulk(caller, prefixOf(caller, 'held/'));
    await hold.reached;
    const refused = await caller.decided([names[3] ?? '']);
    assert.equal(refused.status, 423);
    assert.deepEqual(refused.body.data.Files, [
      { collectionId: caller.destinationId, fileName: names[3], message: `the file is locked by job ${id}` },
    ]);
    const overlapping = await caller.decidedPost('/apollo/files/copy', prefixOf(caller, ''));
    assert.equal(overlapping.status, 423);
    assert.deepEqual(overlapping.body.data.Files, [
      {
        ...{ collectionId: caller.destinationId, fileName: 'held/' },
        message: `everything under this prefix is locked by job ${id}`,
      },
    ]);
    hold.release();
    assert.equal((await caller.ended(id)).job.state, 'Completed');
    assert.equal((await caller.decided([names[3] ?? ''])).status, 200);
  });

  it('does without what others hold where it is asked to, and copies all else at once', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(30, 'shared/file');
    const [written = '', ...rest] = names;
    const hold = holdBefore();
    const rule = proxy.inject(caller.rewrites(written), hold);
    const short = await caller.start([written]);
    await hold.reached;
    const id = await startBulk(caller, prefixOf(caller, 'shared/', { onLocked: 'skip' }));
    const { job } = await caller.ended(id);
    assert.deepEqual([job.state, job.counts.completed, job.counts.skipped], ['Completed', 29, 1]);
    const [skipped, ...others] = await allLogs(caller, id, { state: 'Skipped' });
    assert.deepEqual([skipped?.payload.fileName, others], [written, []]);
    assert.match(skipped?.message ?? '', /^FILE_LOCKED: the file is locked by another job or by hand/);
    assert.deepEqual(await caller.locks(), [caller.lockOf(written)], 'of the other job, which still writes');
    hold.release();
    rule.remove();
    assert.equal((await caller.ended(short)).job.state, 'Completed');
    assert.deepEqual(
      caller.writes([written, ...rest]),
      names.map(() => 1),
    );
    assert.deepEqual(await caller.locks(), []);
  });

  it('and others of the same files at the same moment never write one of them twice, nor one that another one has', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(24, 'wanted/by-all/file');
    const hold = holdBefore();
    const rule = proxy.inject(caller.rewrites(/^wanted/), hold);
    const skip = { onLocked: 'skip' };
    const requests = [
      prefixOf(caller, 'wanted/', skip),
      prefixOf(caller, 'wanted/by-all/', skip),
      { ...caller.request(names.slice(4, 8)), options: skip },
      prefixOf(caller, 'wanted/by-all/', skip),
    ];
    const ids = await Promise.all(requests.map((request) => startBulk(caller, request)));
    // All are admitted before anything is written: what one of them holds, no other one has been given.
    await until('all are decided', async () => {
      const jobs = await Promise.all(ids.map(async (id) => (await caller.logs(id, { limit: '1' })).body.job));
      return jobs.every(({ state }) => state !== 'Requested');
    });
    hold.release();
    rule.remove();
    const jobs = await Promise.all(ids.map(async (id) => (await caller.ended(id)).job));
    assert.deepEqual(new Set(jobs.map(({ state }) => state)), new Set(['Completed']));
    const completed = jobs.reduce((sum, { counts }) => sum + counts.completed, 0);
    const writes = caller.writes(names);
    assert.ok(writes.every((count) => count <= 1));
    assert.equal(writes.filter((count) => count === 1).length, completed);
    assert.deepEqual(
      jobs.map(({ counts }) => counts.completed + counts.skipped),
      [24, 24, 4, 24],
    );
    assert.deepEqual(await caller.locks(), []);
  });

  it('is cancelled within a second, and its counts are what storage holds', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(400, 'cut/file');
    const slow = proxy.inject(caller.rewrites(/^cut/), delay(1_000));
    const id = await startBulk(caller, prefixOf(caller, 'cut/'));
    await until('some files are copied', () => proxy.requests(caller.rewrites(/^cut/)).length > 40);
    await caller.cancel(id);
    const cancelledAt = performance.now();
    const { job } = await caller.ended(id);
    assert.equal(job.state, 'Cancelled');
    const late = proxy
      .requests(caller.rewrites(/^cut/))
      .filter(({ arrivedAt }) => arrivedAt.monotonic > cancelledAt + 1_000);
    assert.equal(late.length, 0);
    const written = caller.writes(names).filter((count) => count > 0).length;
    assert.ok(written > 0 && written < 400);
    assert.deepEqual([job.counts.completed, job.counts.cancelled], [written, 400 - written]);
    assert.deepEqual(states(await allLogs(caller, id)), { Completed: written, Cancelled: 400 - written });
    assert.deepEqual(await caller.locks(), []);
    slow.remove();
    const retried = await caller.retry(id);
    assert.equal(retried.status, 200, JSON.stringify(retried.body));
    const rest = await caller.ended(retried.body.data.CorrelationId);
    assert.deepEqual([rest.job.state, rest.job.counts.requested], ['Completed', 400 - written]);
    assert.ok(caller.writes(names).every((count) => count === 1));
  });

  it('is paused and resumed, and writes each file once', async () => {
    const { proxy, temporal } = world();
    const caller = await world().newCaller();
    const names = await caller.files(200, 'rest/file');
    // Many more than are written at a time: some are not sent yet when those who copy hear of the pause.
    const last = holdBefore();
    proxy.inject(caller.rewrites(/file-01/), last);
    const id = await startBulk(caller, prefixOf(caller, 'rest/'));
    await until('some files are copied', () => proxy.requests(caller.rewrites(/^rest/)).length > 20);
    assert.equal((await caller.pause(id)).status, 200);
    await toldToStop(temporal, id);
    last.release();
    await until('nothing is in flight', async () => (await pendingActivities(temporal, id)).length === 0);
    assert.ok(proxy.requests(caller.rewrites(/^rest/)).every(({ answeredAt }) => answeredAt !== undefined));
    const { job } = (await caller.logs(id)).body;
    assert.equal(job.state, 'Paused');
    assert.ok(caller.writes(names).includes(0), 'and there is something to go on with');
    assert.equal((await caller.resume(id)).status, 200);
    const ended = await caller.ended(id);
    assert.deepEqual([ended.job.state, ended.job.counts.completed], ['Completed', 200]);
    assert.ok(caller.writes(names).every((count) => count === 1));
  });
});

describe('a bulk job that is cancelled before all of it is known', function () {
  this.timeout(120_000);
  const world = useWorld('calm');

  /**
   * Cancels a job that storage owes an answer, which it must not wait for, and gives its end and its records as they are
   * told then.
   */
  async function cancelled(caller: Caller, id: string) {
    const { proxy, temporal } = world();
    const answer = await caller.cancel(id);
    assert.equal(answer.status, 200, JSON.stringify(answer.body));
    const cancelledAt = performance.now();
    const hasEnded = async () => (await temporal.workflow.getHandle(id).describe()).status.name !== 'RUNNING';
    await until('it ends before storage could be given up', hasEnded, { within: REQUEST_TIMEOUT_MS / 2 });
    assert.deepEqual(await waitedSinceCancel(temporal, id), []);
    const late = proxy.requests(caller.rewrites()).filter(({ arrivedAt }) => arrivedAt.monotonic > cancelledAt + 1_000);
    assert.deepEqual(late, []);
    assert.deepEqual(await caller.locks(), []);
    const [{ job }, records] = [(await caller.logs(id)).body, await allLogs(caller, id)];
    assert.equal(job.state, 'Cancelled');
    assert.deepEqual([job.counts.pending, job.counts.requested], [0, records.length], 'each file is counted');
    return { job, records };
  }

  /** The requests that list a caller's source files under a prefix. */
  const listings =
    (caller: Caller, prefix: string): Matcher =>
    ({ operation, bucket, query }) =>
      operation === 'list' && bucket === caller.bucket && query['prefix'] === `from/${prefix}`;

  it('has copied what storage holds, where its source is still listed', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(60, 'part/file');
    const [paged, rest] = [inPagesOf(5), holdBefore()];
    let pages = 0;
    proxy.inject(listings(caller, 'part/'), (request, proceed) =>
      pages++ < 10 ? paged(request, proceed) : rest(request, proceed),
    );
    proxy.inject(caller.rewrites(/^part/), delay(200));
    const id = await startBulk(caller, prefixOf(caller, 'part/'));
    await rest.reached;
    await until('some are copied', () => caller.writes(names).some((count) => count > 0));
    const { job, records } = await cancelled(caller, id);
    assert.match(job.message, /^CANCELLED: .* before all files under the prefix were listed$/);
    const written = names.filter((_, index) => caller.writes(names)[index] === 1);
    assert.ok(written.length > 0 && written.length < records.length && records.length < 60);
    const completed = records.filter(({ state }) => state === 'Completed').map(({ payload }) => payload.fileName);
    assert.deepEqual(completed, written);
    assert.deepEqual(states(records), { Completed: written.length, Cancelled: records.length - written.length });
    rest.release();
  });

  it('has no files, where nothing of its source is listed yet', async () => {
    const caller = await world().newCaller();
    await caller.files(2, 'unseen/file');
    const hold = holdBefore();
    world().proxy.inject(listings(caller, 'unseen/'), hold);
    const id = await startBulk(caller, prefixOf(caller, 'unseen/'));
    const { records } = await cancelled(caller, id);
    assert.deepEqual(records, []);
    hold.release();
  });

  for (const [what, planned] of [
    ['has no files, where its manifest is not read yet', 0],
    ['has copied none of those that are read, where its manifest is still read', 2_000],
  ] as const) {
    it(what, async () => {
      const { proxy } = world();
      const caller = await world().newCaller();
      const entries = Array.from({ length: 5_000 }, (_, index) => ({
        ...{ sourceCollectionId: caller.sourceId, destinationCollectionId: caller.destinationId },
        fileName: `file-${String(index).padStart(4, '0')}`,
      }));
      await caller.put('list.ndjson', entries.map((entry) => JSON.stringify(entry)).join('\n'));
      const id = randomUUID();
      const isRead: Matcher = ({ operation, bucket }) => operation === 'read' && bucket === caller.bucket;
      const held = holdBefore();
      proxy.inject(isRead, planned === 0 ? held : stallAnswer());
      const isPlanned = { operation: 'upload', bucket: CONTROL_BUCKET, name: `jobs/${id}/plan/000001.ndjson` } as const;
      const begun = proxy.nextRequest(planned === 0 ? isRead : isPlanned);
      const request = { manifest: { collectionId: caller.sourceId, fileName: 'list.ndjson' } };
      const posted = caller.decidedPost('/apollo/files/copy', request, id);
      await begun;
      const { job, records } = await cancelled(caller, id);
      assert.equal(job.message, 'CANCELLED: the job was cancelled before its request was decided');
      assert.deepEqual(states(records), planned === 0 ? {} : { Cancelled: planned });
      const { status, body } = await posted;
      assert.equal(status, 200);
      assert.equal(body.data.Message, `Number of file copy requests:${planned}`);
      assert.equal(proxy.requests(caller.rewrites()).length, 0);
      held.release();
    });
  }
});

describe('a bulk job outlives', function () {
  this.timeout(120_000);
  const world = useWorld('rough');

  it('its worker, killed in the middle: nothing is written twice', async () => {
    const { stack, proxy } = world();
    const caller = await world().newCaller();
    const names = await caller.files(400, 'kill/file');
    proxy.inject(caller.rewrites(/^kill/), delay(100));
    const id = await startBulk(caller, prefixOf(caller, 'kill/'));
    await until('some files are copied', () => proxy.requests(caller.rewrites(/^kill/)).length > 100);
    await stack.worker.kill();
    await stack.worker.start();
    const { job } = await caller.ended(id, { within: 90_000 });
    assert.deepEqual([job.state, job.counts.completed], ['Completed', 400]);
    assert.ok(caller.writes(names).every((count) => count === 1));
    assert.deepEqual(states(await allLogs(caller, id)), { Completed: 400 });
    assert.deepEqual(await caller.locks(), []);
  });
});
