import assert from 'node:assert/strict';
import { cpuMicros, peakResidentSize } from '../../bench/process-usage.ts';

/** The kernel counts in steps of 10 ms. */
const STEP_MICROS = 10_000;

describe("the benchmark's account of a process", () => {
  before(function () {
    if (process.platform !== 'linux') this.skip();
  });

  it('agrees with what the process knows of itself', async () => {
    const { user: userBefore, system: systemBefore } = process.cpuUsage();
    const measured = await cpuMicros(process.pid);
    const { user, system } = process.cpuUsage();
    assert.ok(measured >= userBefore + systemBefore - 2 * STEP_MICROS, `${measured} µs`);
    assert.ok(measured <= user + system + 2 * STEP_MICROS, `${measured} µs`);
    // The process itself gives its peak in KiB.
    const peak = await peakResidentSize(process.pid);
    const own = process.resourceUsage().maxRSS * 1_024;
    assert.ok(Math.abs(peak - own) < own / 10, `${peak} and ${own} bytes`);
  });
});
