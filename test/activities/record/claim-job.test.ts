import assert from 'node:assert/strict';
import { requestedFile } from '../../../contract/file-records.ts';
import type { Admission, CopyFilesInput, JobOwner } from '../../../contract/messages.ts';
import { emptyCounts } from '../../../contract/states.ts';
import { answerError, resetAfter } from '../../support/storage-proxy/index.ts';
import type { ClaimTask } from '../../../activities/record/claim-job.ts';
import { failsWith, makeActivityTest, newOwner, type ActivityTest } from '../support.ts';

const entry = { sourceCollectionId: 'a', destinationCollectionId: 'b', fileName: 'f', destinationFileName: 'g' };

const INPUT: CopyFilesInput = {
  requestor: { caller: 'ann', principals: ['ann', 'client'] },
  digest: 'd1',
  request: { entries: [entry, { ...entry, destinationFileName: 'h' }], options: { overwrite: 'never' } },
  receivedAt: 1_700_000_000_000,
};

const PLACES = ['a', 'b'].map((collectionId) => ({ collectionId, bucket: 'files', prefix: 'p/', generation: '7' }));

describe('claimJob', () => {
  let test: ActivityTest;
  let owner: JobOwner;

  before(async () => {
    test = await makeActivityTest();
  });

  beforeEach(() => {
    owner = newOwner();
  });

  afterEach(() => {
    test.proxy.removeFaults();
  });

  const claim = (by = owner, input: ClaimTask['input'] = INPUT, plan: Partial<ClaimTask> = {}) =>
    test.run('claimJob', { owner: by, taskQueue: 'queue', input, collections: PLACES, isPlanned: true, ...plan });
  const anotherChain = () => newOwner({ correlationId: owner.correlationId });
  const stored = async () => (await test.storage.records.read(owner.correlationId))?.record;
  const isOurs = async () => ({
    claimed: true,
    recordGeneration: (await test.storage.records.read(owner.correlationId))?.generation,
  });
  const jobFile = () => ({ bucket: test.controlBucket, name: `jobs/${owner.correlationId}/job.json` });

  async function close(admission: Admission, state: 'Completed' | 'Rejected'): Promise<void> {
    const status = {
      correlationId: owner.correlationId,
      state,
      counts: emptyCounts(2),
      startedAt: 1,
      endedAt: 2,
      message: '',
    };
    const claimed = { taskQueue: 'queue', input: INPUT, collections: PLACES };
    await test.run('closeRecord', { owner, admission, status, claim: claimed });
  }

  it('makes the record of a job nobody has claimed, and tells its generation', async () => {
    assert.deepEqual(await claim(), await isOurs());
    const { correlationId, firstRunId, namespace } = owner;
    assert.deepEqual(await stored(), {
      ...{ correlationId, chain: { namespace, firstRunId }, caller: 'ann', digest: 'd1' },
      ...{ receivedAt: INPUT.receivedAt, taskQueue: 'queue', options: { overwrite: 'never' }, admission: null },
      ...{ collections: PLACES, entries: INPUT.request.entries, bulk: null },
      status: {
        ...{ correlationId, state: 'Requested', counts: emptyCounts(2) },
        ...{ startedAt: INPUT.receivedAt, endedAt: null, message: '' },
      },
    });
  });

  it('keeps no files of a request that is refused', async () => {
    await claim(owner, INPUT, { collections: [], isPlanned: false });
    const { collections, entries } = (await stored())!;
    assert.deepEqual({ collections, entries }, { collections: [], entries: null });
  });

  it('is renewed by its own job, which may find its collections elsewhere', async () => {
    await claim();
    const moved = [{ ...PLACES[0]!, prefix: 'q/', generation: '8' }];
    assert.deepEqual(await claim(owner, INPUT, { collections: moved }), await isOurs());
    assert.deepEqual((await stored())?.collections, moved);
  });

  it('is the same claim again for the same chain of runs, made anew: an earlier attempt cannot go on from its own', async () => {
    const earlier = await claim();
    const before = await stored();
    const again = await claim();
    assert.deepEqual(again, await isOurs());
    assert.notDeepEqual(again, earlier);
    assert.deepEqual(await stored(), before);
  });

  it('is the same claim again where the first answer was lost', async () => {
    test.proxy.inject({ operation: 'upload', ...jobFile() }, resetAfter(), { times: 1 });
    await failsWith(claim(), 'STORAGE_UNAVAILABLE', { retryable: true });
    assert.deepEqual(await claim(), await isOurs());
  });

  for (const [admission, state] of [
    [{ decision: 'accepted' }, 'Completed'],
    [{ decision: 'forbidden', message: 'ACCESS_DENIED: no' }, 'Rejected'],
    [{ decision: 'locked', files: [{ collectionId: 'b', fileName: 'g' }] }, 'Rejected'],
  ] as const) {
    it(`gives a later chain the outcome and the end of a job that was ${admission.decision}`, async () => {
      await claim();
      await close(admission as Admission, state);
      const other = { ...INPUT, requestor: { caller: 'eve', principals: ['eve'] }, digest: 'd2' };
      const answer = await claim(anotherChain(), other);
      assert.ok(!answer.claimed);
      assert.deepEqual(answer.outcome, { caller: 'ann', digest: 'd1', requested: 2, admission });
      assert.equal(answer.status.state, state);
    });
  }

  it('gives a later chain no decision of a job that nothing says was accepted', async () => {
    await claim();
    const answer = await claim(anotherChain());
    assert.ok(!answer.claimed);
    assert.equal(answer.outcome.admission, null);
    assert.equal(answer.status.state, 'Requested');
  });

  it('gives a later chain "accepted" for a job that never said so, but has copied a file', async () => {
    await claim();
    const [entry] = INPUT.request.entries;
    assert.ok(entry);
    await test.storage.records.appendResults(owner.correlationId, 0, [
      { ...requestedFile(entry, 0, INPUT.receivedAt), state: 'Completed' },
    ]);
    const answer = await claim(anotherChain());
    assert.ok(!answer.claimed);
    assert.deepEqual(answer.outcome.admission, { decision: 'accepted' });
  });

  it('gives a later chain no number of files where the job did not live to count them', async () => {
    const bulk = { kind: 'manifest', collectionId: 'lists', fileName: 'list.ndjson' } as const;
    const input = { ...INPUT, request: { bulk, options: INPUT.request.options } };
    await claim(owner, input);
    const answer = await claim(anotherChain(), input);
    assert.ok(!answer.claimed);
    assert.equal(answer.outcome.requested, null);
  });

  it('leaves the record of another chain as it is', async () => {
    await claim();
    const before = await stored();
    await claim(anotherChain(), { ...INPUT, digest: 'd2' });
    await claim(newOwner({ ...owner, namespace: 'another' }));
    assert.deepEqual(await stored(), before);
  });

  it('is another chain in another namespace', async () => {
    await claim();
    assert.equal((await claim({ ...owner, namespace: 'another' })).claimed, false);
  });

  it('is won by one of ten chains; the others are told its outcome', async () => {
    const chains = Array.from({ length: 10 }, anotherChain);
    const answers = await Promise.all(chains.map((chain) => claim(chain)));
    assert.equal(answers.filter(({ claimed }) => claimed).length, 1);
    const winner = chains[answers.findIndex(({ claimed }) => claimed)];
    assert.equal((await stored())?.chain.firstRunId, winner?.firstRunId);
  });

  it('is tried again where storage fails', async () => {
    test.proxy.inject(jobFile(), answerError(503));
    await failsWith(claim(), 'STORAGE_UNAVAILABLE', { retryable: true });
  });
});
