import assert from 'node:assert/strict';
import type { Job } from '../../cli/http/answers.ts';
import { jobRow } from '../../cli/watch/job-text.ts';
import { progressText } from '../../cli/watch/progress-text.ts';
import { whileListing } from '../../contract/listing.ts';
import { RateMeter } from '../../cli/watch/rate-meter.ts';
import { StatusLine } from '../../cli/watch/status-line.ts';
import { columnsOf } from '../../cli/text.ts';
import { endedAfter, jobOf } from './jobs.ts';
import { onScreen, sink } from './support.ts';

describe('the progress bar', () => {
  const half = jobOf('Processing', { requested: 2_000, completed: 1_000, bytes: 5_000_000 });
  const rate = { files: 250, bytes: 1_234_567 };

  it('shows state, bar, files, rate and time left', () => {
    assert.equal(
      progressText(half, rate, 120),
      'Processing  ███████████████░░░░░░░░░░░░░░░   50 %  1,000 of 2,000 files  250 files/s  1.2 MB/s  4.0 s left',
    );
  });

  it('fits every terminal: first without the rate of bytes, then without a bar, never in a second line', () => {
    for (let width = 1; width <= 140; width += 1) {
      const text = progressText(half, rate, width);
      assert.ok(text.length <= width, `${width}: ${text}`);
      assert.equal(text.includes('█'), width >= 74, `${width}: ${text}`);
      assert.equal(text.includes('MB/s'), width >= 84, `${width}: ${text}`);
    }
  });

  it('names files that failed, as soon as there are any', () => {
    const job = jobOf('Processing', { requested: 10, completed: 2, failed: 1 });
    assert.match(progressText(job, undefined, 100), / 30 % {2}3 of 10 files {2}1 failed$/);
  });

  it('is not at 100 % before the end', () => {
    assert.match(progressText(jobOf('Processing', { requested: 1_000_000, completed: 999_999 }), rate, 120), / 99 %/);
  });

  it('tells of no rate and no time where a job does not copy', () => {
    for (const state of ['Paused', 'Cancelling', 'Requested'] as const) {
      const text = progressText(jobOf(state, { requested: 10, completed: 5 }), rate, 120);
      assert.match(text, new RegExp(`^${state} .* 50 % {2}5 of 10 files$`));
    }
  });

  it('has the state alone where nobody knows how many files there are', () => {
    assert.equal(progressText(jobOf('Requested'), undefined, 80), 'Requested');
  });

  it('tells of no share and no time where there may be more files than are counted', () => {
    const job = { ...jobOf('Processing', { requested: 3_000, completed: 24 }), message: whileListing('') };
    assert.equal(progressText(job, rate, 120), 'Processing  24 of at least 3,000 files  250 files/s  1.2 MB/s');
    for (let width = 1; width <= 60; width += 1) assert.ok(progressText(job, rate, width).length <= width);
  });

  describe('of a job that tells a reason', () => {
    const waiting = (who: string) => ({
      ...jobOf('Requested', { requested: 1 }),
      message: `FILE_LOCKED: waiting for 1 file locked by ${who}`,
    });

    it('ends with it, shortened where the terminal is not as wide', () => {
      const job = waiting('root@vm (audit)');
      const facts = '  0 %  0 of 1 file  FILE_LOCKED: waiting for 1 file locked by root@vm (audit)';
      assert.equal(progressText(job, undefined, 140), `Requested  ${'░'.repeat(30)}  ${facts}`);
      assert.equal(progressText(job, undefined, 89), `Requested${facts}`);
      assert.equal(progressText(job, undefined, 61), 'Requested  0 %  0 of 1 file  FILE_LOCKED: waiting for 1 file…');
      for (let width = 1; width <= 140; width += 1) assert.ok(progressText(job, undefined, width).length <= width);
    });

    it('has it where nobody knows how many files there are, and beside what is still listed', () => {
      const message = 'STORAGE_UNAVAILABLE: no answer';
      assert.equal(progressText({ ...jobOf('Requested'), message }, undefined, 80), `Requested  ${message}`);
      const listing = { ...jobOf('Processing', { requested: 3_000 }), message: whileListing(message) };
      assert.equal(progressText(listing, undefined, 80), `Processing  0 of at least 3,000 files  ${message}`);
    });

    it('lets no text of others break its line: no escape sequence, no letter that takes two columns', () => {
      assert.match(progressText(waiting('\u001b[2J'), undefined, 140), /locked by \\u\{1b\}\[2J$/);
      const wide = progressText(waiting('写真😀'.repeat(40)), undefined, 100);
      assert.match(wide, /locked by 写真😀[写真😀]*…$/u);
      assert.ok(columnsOf(wide.slice(0, -1)) <= 99);
    });

    it('has it no more once the job has ended: how it ended follows', () => {
      const ended = endedAfter(1, waiting('root@vm'));
      assert.doesNotMatch(progressText(ended, undefined, 140), /FILE_LOCKED/);
    });
  });

  it('counts what was done, not what was cancelled', () => {
    for (const state of ['Cancelling', 'Cancelled'] as const) {
      const text = progressText(jobOf(state, { requested: 600, completed: 4, skipped: 2, cancelled: 594 }), rate, 120);
      assert.equal(text, `${state}  ${'░'.repeat(30)}    1 %  6 of 600 files  594 cancelled`);
    }
  });

  it('is full where all files were copied or skipped', () => {
    const job = endedAfter(1, jobOf('Completed', { requested: 10, completed: 9, skipped: 1 }));
    assert.equal(progressText(job, rate, 120), `Completed  ${'█'.repeat(30)}  100 %  10 of 10 files`);
  });

  it('says nothing of the time left where nothing moves', () => {
    assert.doesNotMatch(progressText(half, { files: 0, bytes: 0 }, 120), /left/);
  });
});

describe('a job in a line', () => {
  it('says that more is to be listed, whatever became of what is', () => {
    const told = (counts: Partial<Job['counts']>) => {
      const job = { ...jobOf('Processing', counts), message: whileListing('') };
      return jobRow(job, Date.parse(job.startedAt)).at(-1);
    };
    assert.equal(told({ requested: 3_000, completed: 71 }), '71 copied, 2,929 to go, more to be listed');
    assert.equal(told({ requested: 7_000, skipped: 7_000 }), '7,000 skipped, more to be listed');
    assert.equal(told({}), '0 files, more to be listed');
  });
});

describe('a measured rate', () => {
  it('is there after half a second, and is that of the last fifteen', () => {
    const meter = new RateMeter();
    assert.equal(meter.note(0, { files: 0, bytes: 0 }), undefined);
    assert.equal(meter.note(400, { files: 40, bytes: 400 }), undefined);
    assert.deepEqual(meter.note(1_000, { files: 100, bytes: 1_000 }), { files: 100, bytes: 1_000 });
    for (let second = 2; second <= 20; second += 1) meter.note(second * 1_000, { files: 100, bytes: 1_000 });
    assert.deepEqual(meter.note(21_000, { files: 115, bytes: 1_000 }), { files: 1, bytes: 0 });
  });

  it('begins anew after a pause', () => {
    const meter = new RateMeter();
    meter.note(0, { files: 0, bytes: 0 });
    meter.reset();
    assert.equal(meter.note(60_000, { files: 0, bytes: 0 }), undefined);
    assert.deepEqual(meter.note(61_000, { files: 5, bytes: 50 }), { files: 5, bytes: 50 });
  });
});

describe('a status line', () => {
  it('is written over in place and leaves nothing behind', () => {
    const stream = sink({ tty: true });
    const line = new StatusLine(stream);
    line.clear();
    assert.equal(stream.text(), '');
    line.show('one');
    line.show('two');
    assert.equal(stream.text(), 'one\u001b[1G\u001b[2Ktwo');
    line.clear();
    stream.write('end\n');
    assert.deepEqual(onScreen(stream.text()), ['end']);
  });

  it('is of the usual width where the terminal does not say, or says 0', () => {
    assert.equal(new StatusLine(sink()).width, 79);
    for (const [columns, width] of [
      [0, 79],
      [120, 119],
    ] as const) {
      assert.equal(new StatusLine(Object.assign(sink(), { columns })).width, width);
    }
  });
});
