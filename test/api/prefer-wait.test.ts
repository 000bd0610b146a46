import assert from 'node:assert/strict';
import type { CopyAnswer, Patience } from '../../api/jobs/job-service.ts';
import { assertAnswer, copyBody, FORBIDDEN_TEXT, ID, JOB, NOW, setUp, token } from './support.ts';

const ended = { ...JOB, state: 'Completed' as const, endedAt: NOW + 500 };
const waited = { kind: 'decided', requested: 2, admission: { decision: 'accepted' }, job: ended } as const;

const requests = {
  'POST /apollo/files/copy': { path: '/apollo/files/copy', body: JSON.stringify(copyBody()) },
  'POST /apollo/files/copy/{correlationId}/retry': { path: `/apollo/files/copy/${ID}/retry`, body: undefined },
};

for (const [name, { path, body }] of Object.entries(requests)) {
  const answering = (answer: CopyAnswer) => {
    const patiences: (Patience | undefined)[] = [];
    const start = (_job: unknown, patience?: Patience) => {
      patiences.push(patience);
      return Promise.resolve(answer);
    };
    return { ...setUp({ jobs: { copy: start, retry: start } }), patiences };
  };

  describe(`${name} with Prefer: wait`, () => {
    it('answers with the job as it ended, and says that the preference was applied', async () => {
      const { post, patiences } = answering(waited);
      const response = await post(path, body, { prefer: 'wait=10' });
      const data = (await assertAnswer(response, 200, 'Files copying completed')) as { Job: Record<string, unknown> };
      assert.equal(data.Job.state, 'Completed');
      assert.equal(data.Job.endedAt, '2026-03-02T09:15:00.620+00:00');
      assert.equal(response.headers.get('preference-applied'), 'wait=10');
      assert.equal(patiences[0]?.forMs, 10_000);
    });

    it('waits 60 s where more is asked for, and says so', async () => {
      const { post, patiences } = answering(waited);
      const response = await post(path, body, { prefer: 'respond-async, wait=600' });
      assert.equal(response.headers.get('preference-applied'), 'wait=60');
      assert.equal(patiences[0]?.forMs, 60_000);
    });

    it('ignores a malformed preference', async () => {
      const { post, patiences } = answering({ ...waited, job: undefined as never });
      const response = await post(path, body, { prefer: 'wait=soon' });
      const data = await assertAnswer(response, 200);
      assert.equal(response.headers.get('preference-applied'), null);
      assert.ok(!Object.hasOwn(data as object, 'Job'));
      assert.deepEqual(patiences, [undefined]);
    });

    it('does not claim a preference that the service could not apply', async () => {
      const { post } = answering({ kind: 'decided', requested: 2, admission: { decision: 'accepted' } });
      const response = await post(path, body, { prefer: 'wait=5' });
      await assertAnswer(response, 200);
      assert.equal(response.headers.get('preference-applied'), null);
    });

    it('answers 202 with the job where it is not decided by then', async () => {
      const { post } = answering({ kind: 'undecided', requested: 2, job: { ...JOB, state: 'Requested' } });
      const response = await post(path, body, { prefer: 'wait=5' });
      const data = (await assertAnswer(response, 202)) as { Job: { state: string } };
      assert.equal(data.Job.state, 'Requested');
      assert.equal(response.headers.get('preference-applied'), 'wait=5');
    });

    it('answers a refusal as ever', async () => {
      const { post } = answering({
        kind: 'decided',
        requested: 2,
        admission: { decision: 'forbidden', message: 'ACCESS_DENIED' },
      });
      const response = await post(path, body, { prefer: 'wait=5' });
      await assertAnswer(response, 403, FORBIDDEN_TEXT);
      assert.equal(response.headers.get('preference-applied'), null);
    });

    for (const who of ['the client goes away', 'the process is to end'] as const) {
      it(`waits no longer once ${who}`, async () => {
        const client = new AbortController();
        const stopping = new AbortController();
        const waits = Promise.withResolvers<undefined>();
        const start = (_job: unknown, patience?: Patience) =>
          new Promise<CopyAnswer>((resolve) => {
            patience?.signal.addEventListener('abort', () => {
              resolve(waited);
            });
            waits.resolve(undefined);
          });
        const { app } = setUp({ jobs: { copy: start, retry: start }, stopping: stopping.signal });
        const answer = app.request(
          new Request(`http://localhost${path}`, {
            method: 'POST',
            headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', prefer: 'wait=60' },
            body: body ?? null,
            signal: client.signal,
          }),
        );
        await waits.promise;
        (who === 'the client goes away' ? client : stopping).abort();
        assert.equal((await answer).status, 200);
      });
    }
  });
}
