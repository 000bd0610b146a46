import assert from 'node:assert/strict';
import type { Job } from '../../cli/http/answers.ts';
import { jobRow } from '../../cli/watch/job-text.ts';
import { progressText } from '../../cli/watch/progress-text.ts';
import { whileListing } from '../../contract/listing.ts';
import { RateMeter } from '../../cli/watch/rate-meter.ts';
import { StatusLine } from '../../cli/watch/status-line.ts';
import { jobOf } from './jobs.ts';
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
