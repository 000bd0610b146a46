import { setTimeout as delay } from 'node:timers/promises';
import type { Bench } from '../bench.ts';
import { BUCKETS, folderRequest, makeFiles } from '../layout.ts';
import { listenTo, type Listener } from '../listeners.ts';
import { cpuMicros } from '../process-usage.ts';
import { compared, same, type Row } from '../rows.ts';
import type { Scenario } from '../scenario.ts';
import { median } from '../statistics.ts';

const LISTENERS = 200;
const ROUNDS = { quick: 1, default: 3, full: 3 };

/** So many listeners may cost the API this many times what one costs. */
const BOUND = 1.3;

/** A job that moves all the time it is listened to: 20 s. */
const FILES = 10_000;
const FILES_PER_SECOND = 500;

/** From when all listen, in milliseconds, until their coming is over and done with. */
const SETTLE_MS = 1_500;

/** For so long it is measured, in milliseconds; the job goes on a little longer. */
const MEASURED_MS = 15_000;

interface Measured {
  /** CPU time of the API a second, in milliseconds. */
  cpuPerSecond: number;
  ends: number;
}

/** What listeners of one running job cost the API: its CPU time while all listen; and whether all are told of the end. */
export const listeners: Scenario = {
  name: 'listeners',
  title: `Server-Sent Events of a job of ${FILES} files at ${FILES_PER_SECOND} a second`,
  modes: ['default', 'full'],
  async run(bench, title) {
    await bench.storage.setLatency(0);
    await bench.workers.use({ workers: 1, inFlight: 64 });
    const folder = await makeFiles(bench.storage, FILES);
    // What is compiled on the way is not to count for whoever comes first.
    await measure(bench, folder, LISTENERS);
    const one: Measured[] = [];
    const many: Measured[] = [];
    for (let round = 0; round < ROUNDS[bench.settings.mode]; round += 1) {
      one.push(await measure(bench, folder, 1));
      many.push(await measure(bench, folder, LISTENERS));
    }
    return rows(title, one, many);
  },
};

async function measure(bench: Bench, folder: string, count: number): Promise<Measured> {
  await bench.storage.empty(BUCKETS.destination);
  const request = { ...(folderRequest(folder) as object), options: { maxFilesPerSecond: FILES_PER_SECOND } };
  const { correlationId } = await bench.jobs.post(request);
  const url = `${bench.apiUrl}/apollo/status/events?correlationId=${correlationId}`;
  const all: Listener[] = [];
  while (all.length < count) all.push(await listenTo(url, bench.token));
  await delay(SETTLE_MS);
  const [startedAt, before] = [performance.now(), await cpuMicros(bench.apiPid())];
  await delay(MEASURED_MS);
  const [seconds, after] = [(performance.now() - startedAt) / 1_000, await cpuMicros(bench.apiPid())];
  const ended = await Promise.all(all.map((listener) => listener.ended));
  return { cpuPerSecond: (after - before) / 1_000 / seconds, ends: ended.filter(Boolean).length };
}

function rows(scenario: string, one: readonly Measured[], many: readonly Measured[]): Row[] {
  const cpu = (measured: readonly Measured[]) => median(measured.map(({ cpuPerSecond }) => cpuPerSecond));
  const figure = { scenario, figure: `CPU of the API, ${LISTENERS} listeners`, value: cpu(many), unit: 'ms/s' };
  const told = Math.min(...many.map(({ ends }) => ends));
  return [
    compared(figure, { name: 'one listener', value: cpu(one) }, { atMost: BOUND }),
    same(scenario, 'told of the end', told, LISTENERS),
  ];
}
