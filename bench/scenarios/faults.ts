import { folderRequest, makeFiles } from '../layout.ts';
import { measureCopy, prepareWorkers } from '../measure-copy.ts';
import { amount, limited, told, type Row } from '../rows.ts';
import type { Scenario } from '../scenario.ts';
import type { FaultRates } from '../storage-server/faults.ts';

const FILES = 20_000;
const LATENCY_MS = 50;
const IN_FLIGHT = 64;

/** Of all requests, whatever they ask for. */
const FAULTS: FaultRates = { unavailable: 0.05, resets: 0.02, lostAnswers: 0.01 };

/** Times what the same job takes without faults. */
const MOST = 1.6;

/** A long job while storage has failures all the time, none of which says that it is asked for too much. */
export const faults: Scenario = {
  name: 'faults',
  title: `${FILES.toLocaleString('en-US')} files, 5% 503, 2% resets, 1% lost answers`,
  modes: ['default', 'full'],
  async run(bench, scenario): Promise<Row[]> {
    const { storage } = bench;
    const copy = { request: folderRequest(await makeFiles(storage, FILES)), files: FILES };
    await prepareWorkers(bench, { inFlight: IN_FLIGHT, latencyMs: LATENCY_MS });
    const fair = await measureCopy(bench, copy);
    await storage.setFaults(FAULTS);
    // Every file is then there, with the checksum of its source: that is what Completed says, and what is counted.
    const faulty = await measureCopy(bench, copy).finally(() => storage.setFaults({}));
    await storage.setLatency(0);
    const figure = (name: string, value: number, unit = '') => ({ scenario, figure: name, value, unit });
    return [
      told(figure('without faults', fair.seconds, 's'), amount(fair.filesPerSecond, '/s')),
      told(figure('with faults', faulty.seconds, 's'), amount(faulty.filesPerSecond, '/s')),
      limited(figure('times as long', faulty.seconds / fair.seconds), { atMost: MOST }),
    ];
  },
};
