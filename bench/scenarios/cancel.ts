import { entryOf, makeFiles } from '../layout.ts';
import { measureCancel } from '../measure-cancel.ts';
import type { Scenario } from '../scenario.ts';
import { fileName } from '../storage-control.ts';

const FILES = 1_000;
const CANCEL_AFTER = 200;
const LATENCY_MS = 50;

/** A list whose files are activities of their own. */
export const cancelList: Scenario = {
  name: 'cancel-list',
  title: `cancel in the middle of a list of ${FILES} files, ${LATENCY_MS} ms a call`,
  modes: ['quick', 'default', 'full'],
  async run(bench, scenario) {
    const folder = await makeFiles(bench.storage, FILES);
    await bench.storage.setLatency(LATENCY_MS);
    await bench.workers.use({ workers: 1, inFlight: 64 });
    const entries = Array.from({ length: FILES }, (_, index) => entryOf(folder + fileName(index)));
    return await measureCancel(bench, scenario, {
      request: { copyFileCollectionData: entries },
      after: CANCEL_AFTER,
    });
  },
};
