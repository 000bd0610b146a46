import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What `node --cpu-prof` writes, as far as it is read here; times in microseconds. */
interface CpuProfile {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
}

/** A place in the code and its share of the CPU time, 0 to 1. */
export interface ProfileLine {
  place: string;
  share: number;
}

/** What is no work: waiting, and what the profiler cannot place. */
const NO_WORK = new Set(['(idle)', '(root)']);

/** Where all processes that left a profile in a folder spent their own time, most first. */
export async function topOfProfiles(folder: string, count: number): Promise<ProfileLine[]> {
  const spent = new Map<string, number>();
  let total = 0;
  for (const name of await readdir(folder)) {
    if (!name.endsWith('.cpuprofile')) continue;
    const { nodes, samples, timeDeltas } = JSON.parse(await readFile(join(folder, name), 'utf8')) as CpuProfile;
    const places = new Map(nodes.map(({ id, callFrame }) => [id, callFrame]));
    samples.forEach((id, index) => {
      const frame = places.get(id);
      if (frame === undefined || NO_WORK.has(frame.functionName)) return;
      const place = placeOf(frame);
      const time = timeDeltas[index] ?? 0;
      spent.set(place, (spent.get(place) ?? 0) + time);
      total += time;
    });
  }
  return Array.from(spent, ([place, time]) => ({ place, share: time / total }))
    .sort((one, other) => other.share - one.share)
    .slice(0, count);
}

/** `parseHead (storage-server/http-connection.ts:12)`, with as much of the path as tells files apart. */
function placeOf({ functionName, url, lineNumber }: CpuProfile['nodes'][number]['callFrame']): string {
  const name = functionName === '' ? '(anonymous)' : functionName;
  if (url === '') return name;
  return `${name} (${url.split('/').slice(-3).join('/')}:${lineNumber + 1})`;
}
