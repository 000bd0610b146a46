import assert from 'node:assert/strict';
import type { JobState } from '../../contract/states.ts';
import { EXIT } from '../../cli/exit-codes.ts';
import { ID, jobOf } from './jobs.ts';
import { cli, json, scriptedApi } from './support.ts';

/** Runs a command against an API that answers it with a job in this state; the requests too. */
async function control(action: string, state: JobState, { tty = true } = {}) {
  const answer = { status: { message: 'Text', code: '200' }, data: jobOf(state) };
  const api = await scriptedApi(() => ({ body: answer }));
  try {
    return { ...(await cli([action, ID], { env: api.env, tty })), requests: api.requests };
  } finally {
    await api.close();
  }
}

describe('apollo cancel, pause and resume', () => {
  for (const action of ['cancel', 'pause', 'resume']) {
    it(`${action} sends that to the job, and shows how it stands after it`, async () => {
      const { code, lines, requests } = await control(action, 'Processing');
      assert.equal(code, EXIT.done);
      assert.match(lines.join('\n'), /^Processing: [^\n]*$/);
      assert.deepEqual(
        requests.map(({ method, path }) => [method, path]),
        [['POST', `/apollo/files/copy/${ID}/${action}`]],
      );
    });
  }

  it('pause of a job that is not accepted yet says that it is paused then: nothing else shows it', async () => {
    const { lines } = await control('pause', 'Requested');
    assert.match(lines.join('\n'), /^Requested: [^\n]*\n {2}It is paused as soon as it is accepted\.$/);
    assert.equal((await control('resume', 'Requested')).lines.length, 1);
    const { lines: script } = await control('pause', 'Requested', { tty: false });
    assert.deepEqual(script.map(json), [jobOf('Requested')]);
  });
});
