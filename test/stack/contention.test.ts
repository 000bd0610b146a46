import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { JobStatus } from '../../contract/messages.ts';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import { holdBefore, meanwhile } from '../support/storage-proxy/index.ts';
import type { Caller, FileName } from './support/caller.ts';
import { until } from './support/until.ts';
import { useWorld } from './support/world.ts';

type Workflow = () => Promise<JobStatus>;

/** Rounds side by side, each lane with a caller and files of its own; more are not faster on two cores. */
const LANES = 2;

interface Rounds {
  count: number;
  /** So many are run, however long they take. */
  atLeast: number;
  /** No other one is begun later than this, in milliseconds: a busy machine has fewer. */
  within: number;
}

/** What any run makes time for. */
const USUAL: Rounds = { count: 100, atLeast: 20, within: 30_000 };

/** The longest that a round takes on a busy machine, in milliseconds. */
const LONGEST_ROUND_MS = 10_000;

/** With CONTENTION_ROUNDS=N, N rounds however long they take. */
function roundsOf({ CONTENTION_ROUNDS: asked }: NodeJS.ProcessEnv): Rounds {
  if (asked === undefined || asked === '') return USUAL;
  const count = Number(asked);
  if (!Number.isSafeInteger(count) || count < 1) throw new Error(`CONTENTION_ROUNDS is no number of rounds: ${asked}`);
  return { count, atLeast: count, within: Number.POSITIVE_INFINITY };
}

/** Runs rounds on all lanes, and gives how many there were. */
async function inLanes({ count, atLeast, within }: Rounds, round: (lane: number) => Promise<void>): Promise<number> {
  const lastStart = performance.now() + within;
  let begun = 0;
  const lane = async (_: unknown, index: number) => {
    while (begun < atLeast || (begun < count && performance.now() < lastStart)) {
      begun += 1;
      await round(index);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
  return begun;
}

describe('jobs that want the same files', function () {
  this.timeout(150_000);
  const world = useWorld('calm');

  const newCallers = () => Promise.all(Array.from({ length: LANES }, () => world().newCaller()));

  /** POSTs requests at once, and lets the copying begin when all are answered. */
  async function race(caller: Caller, ...requests: FileName[][]) {
    const hold = holdBefore();
    const rule = world().proxy.inject(caller.rewrites(), hold);
    const answers = await Promise.all(requests.map((files) => caller.decided(files)));
    hold.release();
    rule.remove();
    const [accepted, ...others] = answers.filter(({ status }) => status === 200);
    return { statuses: answers.map(({ status }) => status).sort(), answers, accepted, others };
  }

  const rounds = roundsOf(process.env);
  const asMany =
    rounds.within === Number.POSITIVE_INFINITY
      ? `${rounds.count} rounds`
      : `${rounds.count} rounds if ${rounds.within / 1_000} s allow`;

  it(`are told apart every time, ${asMany}: one 200 and one 423; and the next one gets it`, async function () {
    this.timeout(150_000 + (rounds.atLeast * LONGEST_ROUND_MS) / LANES);
    const callers = await newCallers();
    const run = await inLanes(rounds, async (lane) => {
      const caller = callers[lane]!;
      await caller.put('wanted.txt');
      const { statuses, answers, accepted } = await race(caller, ['wanted.txt'], ['wanted.txt']);
      assert.deepEqual(statuses, [200, 423]);
      const refusal = answers.find(({ status }) => status === 423)!.body;
      const winner = accepted!.body.data.CorrelationId;
      assert.deepEqual(refusal, {
        status: { message: 'File already Locked', code: '423' },
        data: {
          Files: [
            {
              collectionId: caller.destinationId,
              fileName: 'wanted.txt',
              message: `the file is locked by job ${winner}`,
            },
          ],
        },
      });
      const handle = world().temporal.workflow.getHandle<Workflow>(winner);
      assert.equal((await handle.result()).state, 'Completed');
    });
    this.test!.title += ` (${run} rounds)`;
    for (const caller of callers) {
      const { job } = await caller.copied(['wanted.txt']);
      assert.equal(job.state, 'Completed');
      assert.deepEqual(await caller.locks(), []);
    }
  });

  it('two of them, each of which gets one first, are never both accepted nor both refused', async () => {
    const { proxy } = world();
    const caller = await world().newCaller();
    for (let round = 0; round < 5; round += 1) {
      const [one = '', two = ''] = await caller.files(2, `round-${round}`);
      const [smaller = '', larger = ''] = [randomUUID(), randomUUID()].sort();
      const crossing = proxy.inject(
        { operation: 'upload', bucket: CONTROL_BUCKET, name: new RegExp(`^locks/${caller.bucket}/`) },
        meanwhile(async ({ name, body }) => {
          const [owner, ownFirst] = body.includes(smaller) ? [smaller, one] : [larger, two];
          if (name !== caller.lockOf(ownFirst) && body.includes(owner)) {
            await until('the other one has its first lock', () => proxy.writes(CONTROL_BUCKET, name) > 0);
          }
        }),
      );
      const hold = holdBefore();
      proxy.inject(caller.rewrites(), hold);
      const [first, second] = await Promise.all([
        caller.decided([one, two], { id: smaller }),
        caller.decided([two, one], { id: larger }),
      ]);
      crossing.remove();
      hold.release();
      assert.deepEqual([first.status, second.status].sort(), [200, 423]);
      const [accepted, refused] = first.status === 200 ? [first, second] : [second, first];
      const { Files } = refused.body.data;
      assert.ok(Files.length >= 1 && Files.every(({ fileName }) => fileName === one || fileName === two));
      assert.equal((await caller.ended(accepted.body.data.CorrelationId)).job.state, 'Completed');
      assert.deepEqual(await caller.locks(), []);
    }
  });
});

describe('a job terminated in Temporal', () => {
  const world = useWorld('calm');

  it('holds nobody back: the next POST for its file is accepted, and what its worker had sent changes nothing', async () => {
    const { proxy, temporal } = world();
    const caller = await world().newCaller();
    const names = await caller.files(2);
    const [name = '', other = ''] = names;
    const hold = holdBefore();
    proxy.inject(caller.rewrites(), hold, { times: 2 });
    const id = await caller.start(names);
    await until('both files are being written', () => proxy.requests(caller.rewrites()).length === 2);
    await temporal.workflow.getHandle(id).terminate('as by hand in the Web UI');

    const { job } = await caller.copied([name]);
    assert.equal(job.state, 'Completed');
    const copy = await caller.stored(name);

    const logs = await caller.logs(id);
    assert.equal(logs.status, 200);
    assert.equal(logs.body.job.state, 'Terminated');
    assert.match(logs.body.job.message, /^TERMINATED: /);
    assert.deepEqual(
      logs.body.data.map(({ payload }) => payload.fileName),
      [name, other],
    );
    assert.equal((await caller.track(id)).status, 200);
    assert.equal((await caller.cancel(id)).status, 409);

    const released = proxy.requests(caller.rewrites(name))[0]!;
    hold.release();
    await until('the old write is answered', () => released.answeredAt);
    assert.equal(released.status, 412);
    assert.deepEqual(await caller.stored(name), copy);
    assert.deepEqual(caller.writes([name]), [1]);
  });
});
