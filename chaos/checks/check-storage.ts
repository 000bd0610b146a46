import { isEndState } from '../../contract/states.ts';
import type { JobAccount } from '../jobs/account.ts';
import type { Write } from '../storage/write-log.ts';
import type { Violation } from '../violation.ts';
import type { Evidence } from './evidence.ts';

/** Holds all that storage did against the jobs there were, whatever is told of them. */
export function checkStorage({ jobs, writes, contentOf }: Evidence): Violation[] {
  const owners = ownersOf(jobs.map(({ account }) => account));
  const mayWrite = new Set(
    jobs
      .filter(({ account, final }) => account.plan.options.dryRun !== true && final.told?.job.state !== 'Rejected')
      .map(({ account }) => account.plan.number),
  );
  const found: Violation[] = [];
  const byPlace = Map.groupBy(writes, ({ to }) => to);
  for (const [to, here] of byPlace) {
    found.push(...checkTurns(to, here, owners));
    for (const write of here) {
      const owner = owners.get(write.from)?.at(-1);
      if (owner === undefined || !mayWrite.has(owner.plan.number)) {
        found.push({
          kind: 'wrong',
          job: owner?.id,
          what: `${to} was written from ${write.from}, which nobody had accepted`,
        });
      }
    }
    const last = here.at(-1);
    const held = contentOf(to);
    const content = owners.get(last?.from ?? '')?.[0]?.plan.files.find(({ from }) => from === last?.from)?.content;
    if (held === undefined || held.generation !== last?.generation || held.content.toString() !== content) {
      found.push({
        kind: 'bytes',
        job: owners.get(last?.from ?? '')?.[0]?.id,
        what: `${to} does not hold what was written last`,
      });
    }
  }
  return found;
}

/** The jobs that may write from a source, the first one and its retry, in their order. */
function ownersOf(accounts: readonly JobAccount[]): Map<string, JobAccount[]> {
  const owners = new Map<string, JobAccount[]>();
  for (const account of accounts) {
    for (const { from } of account.plan.files) {
      const known = owners.get(from);
      if (known === undefined) owners.set(from, [account]);
      else known.push(account);
    }
  }
  return owners;
}

/** One after the other: a job that another one has followed writes no more, nor does one that has ended. */
function checkTurns(to: string, writes: readonly Write[], owners: ReadonlyMap<string, JobAccount[]>): Violation[] {
  const found: Violation[] = [];
  const followed = new Map<string, number>();
  let current: Write | undefined;
  for (const write of writes) {
    const family = owners.get(write.from) ?? [];
    // The youngest one that was there already.
    const writer = family.findLast(({ postedAt }) => postedAt <= write.at);
    const turn = writer?.id ?? write.from;
    if (current !== undefined && current.from !== write.from) {
      const before = owners.get(current.from)?.findLast(({ postedAt }) => postedAt <= (current?.at ?? 0));
      followed.set(before?.id ?? current.from, write.at);
    }
    if (followed.has(turn)) {
      found.push({
        kind: 'rewritten',
        job: writer?.id,
        what: `${to} was written by this job after another one had written it`,
      });
    }
    const endedAt = writer?.end !== undefined && isEndState(writer.end.state) ? writer.end.at : undefined;
    // A terminated job ends at once; its workers hear of it a little later.
    if (endedAt !== undefined && write.at > endedAt && writer?.terminatedAt === undefined) {
      found.push({
        kind: 'rewritten',
        job: writer?.id,
        what: `${to} was written ${write.at - endedAt} ms after the job's end was told`,
      });
    }
    current = write;
  }
  return found;
}
