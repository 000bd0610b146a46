import type { BucketLimiter } from './bucket-limiter.ts';
import type { LaneGroup, LaneTask } from './lane-group.ts';

/** Writes of one group to one bucket that wait; one is like the other. */
export interface Line {
  readonly group: LaneGroup;
  readonly bucket: BucketLimiter;
  readonly waiting: LaneTask[];
}

/** Adds a line to those of its job, where there are any: behind the older ones. */
export function join(lines: Line[], line: Line): void {
  const { group } = line;
  const last = lines.findLastIndex((other) => isOfOneJob(other.group, group));
  let index = last < 0 ? lines.length : last + 1;
  for (
    let before = lines[index - 1];
    before !== undefined && isYounger(before.group, group);
    before = lines[index - 1]
  ) {
    index -= 1;
  }
  lines.splice(index, 0, line);
}

function isYounger(one: LaneGroup, other: LaneGroup): boolean {
  return one.number > other.number && isOfOneJob(one, other);
}

function isOfOneJob(one: LaneGroup, other: LaneGroup): boolean {
  return one === other || (one.job !== undefined && one.job === other.job && one.priority === other.priority);
}

/** Has the others have their turn before the job of this group has it again. Gives where its lines stood, or would stand. */
export function moveToEnd(lines: Line[], group: LaneGroup): number {
  const first = lines.findIndex((line) => isOfOneJob(line.group, group));
  if (first < 0) return 0;
  const last = lines.findLastIndex((line) => isOfOneJob(line.group, group));
  if (last < lines.length - 1) lines.push(...lines.splice(first, last + 1 - first));
  return first;
}
