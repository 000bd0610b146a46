import assert from 'node:assert/strict';
import { askForAttributes } from '../../worker/search-attributes.ts';
import { makeBareNamespace } from '../support/bare-namespace.ts';
import { logLines } from '../support/log-lines.ts';
import { sharedTemporal } from '../support/temporal.ts';
import { eventually } from '../workflows/support.ts';

const EVERY_MS = 50;

describe('the search attributes that a worker asks for', function () {
  this.timeout(60_000);

  it('are said to be missing again and again, until they are made', async () => {
    const [{ nativeConnection }, { name, makeAttributes }] = await Promise.all([sharedTemporal(), makeBareNamespace()]);
    const { log, lines } = logLines();
    const stop = new AbortController();
    const asking = askForAttributes(nativeConnection, name, { log, stop: stop.signal, everyMs: EVERY_MS });
    await eventually(() => lines.length >= 2);
    for (const { level, msg } of lines) {
      assert.equal(level, 50);
      assert.match(String(msg), /^no job can be started: .* lacks search attributes .*: temporal operator /);
    }
    await makeAttributes();
    await asking;
  });

  it('are not waited for by a worker that is to end', async () => {
    const [{ nativeConnection }, { name }] = await Promise.all([sharedTemporal(), makeBareNamespace()]);
    const { log, lines } = logLines();
    const stop = new AbortController();
    const asking = askForAttributes(nativeConnection, name, { log, stop: stop.signal });
    await eventually(() => lines.length > 0);
    stop.abort();
    await asking;
    assert.equal(lines.length, 1);
  });

  it('are no word where they are there', async () => {
    const { nativeConnection, namespace } = await sharedTemporal();
    const { log, lines } = logLines();
    await askForAttributes(nativeConnection, namespace, { log, stop: new AbortController().signal });
    assert.deepEqual(lines, []);
  });
});
