import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { CopyStarter } from '../../../api/jobs/copy-starter.ts';
import { ServiceUnavailableError } from '../../../api/jobs/job-service.ts';
import type { JobRecordStore } from '../../../storage/job-records.ts';
import { newJob, silent } from './support.ts';

const USUAL_MS = { admission: 5_000, start: 800 };

describe('the time until a POST is answered where Temporal is down', () => {
  /** By when each call to Temporal is given up, in milliseconds since the body of the request began to be read. */
  async function deadlines({ readingMs, admissionMs }: { readingMs: number; admissionMs?: number }): Promise<number[]> {
    const found: number[] = [];
    const client = {
      withDeadline(deadline: number) {
        found.push(deadline);
        return Promise.reject(new Error('Temporal is down'));
      },
    };
    const starter = new CopyStarter({
      client: client as unknown as Client,
      records: {} as unknown as JobRecordStore,
      taskQueue: 'queue',
      log: silent,
    });
    const receivedAt = Date.now() - readingMs;
    await assert.rejects(starter.copy(newJob(['a'], { receivedAt }), admissionMs), ServiceUnavailableError);
    return found.map((deadline) => deadline - receivedAt);
  }

  /** A step of the clock, or a pause of this process, between two readings of it. */
  const TOLERANCE_MS = 1_000;
  const areAbout = (found: number[], expected: number[]) => {
    assert.equal(found.length, expected.length);
    for (const [at, ms] of found.entries()) {
      assert.ok(Math.abs(ms - (expected[at] ?? 0)) < TOLERANCE_MS, `${found.join()}, not ${expected.join()}`);
    }
  };

  it('counts from when its body began to be read', async () => {
    for (const readingMs of [0, 1_500]) {
      assert.deepEqual(await deadlines({ readingMs }), [USUAL_MS.admission, USUAL_MS.admission + USUAL_MS.start]);
    }
  });

  it('leaves three seconds for the decision, however long that took', async () => {
    areAbout(await deadlines({ readingMs: 60_000 }), [63_000, 63_000 + USUAL_MS.start]);
  });

  it('is as long as somebody asks, from then on', async () => {
    areAbout(await deadlines({ readingMs: 0, admissionMs: 3_000 }), [3_000, USUAL_MS.admission + USUAL_MS.start]);
  });
});
