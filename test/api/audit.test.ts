import assert from 'node:assert/strict';
import { JobEndedError, ServiceUnavailableError } from '../../api/jobs/job-service.ts';
import type { Admission } from '../../contract/messages.ts';
import { copyBody, ID, JOB, readerToken, setUp, token } from './support.ts';

type Api = ReturnType<typeof setUp>;

/** The lines of the audit log, but for what every line of the log has. */
function auditLines({ lines }: Api) {
  return lines
    .filter(({ event }) => event === 'audit')
    .map(({ correlationId, caller, action, outcome, reason }) => ({ correlationId, caller, action, outcome, reason }));
}

const deciding = (admission: Admission) =>
  setUp({ jobs: { copy: () => Promise.resolve({ kind: 'decided', requested: 2, admission }) } });

const copy = (api: Api) => api.copy(copyBody(), { 'x-correlation-id': ID });

describe('the audit log', () => {
  const cases: [what: string, api: Api, send: (api: Api) => Promise<Response>, outcome: string, reason?: string][] = [
    ['a job that was accepted', setUp(), copy, 'accepted'],
    [
      'a job that is not decided',
      setUp({ jobs: { copy: () => Promise.resolve({ kind: 'undecided', requested: 2 }) } }),
      copy,
      'undecided',
    ],
    [
      'a job that was refused access',
      deciding({ decision: 'forbidden', message: 'ACCESS_DENIED: no access to collection b' }),
      copy,
      'forbidden',
      'ACCESS_DENIED: no access to collection b',
    ],
    [
      'a job that makes no sense',
      deciding({ decision: 'invalid', errors: [{ path: 'copyFileCollectionData[1]', message: 'is the same' }] }),
      copy,
      'invalid',
      'copyFileCollectionData[1]: is the same',
    ],
    [
      'a job that was locked out',
      deciding({ decision: 'locked', files: [{ collectionId: 'copies', fileName: 'a.jpg' }] }),
      copy,
      'locked',
      'copies/a.jpg',
    ],
    [
      'a correlation id in use',
      setUp({ jobs: { copy: () => Promise.resolve({ kind: 'conflict' }) } }),
      copy,
      'conflict',
      'The correlation id is in use by another caller or for another request',
    ],
    [
      'a request with mistakes',
      setUp(),
      (api) => api.copy({}, { 'x-correlation-id': ID }),
      'invalid',
      'The request is not valid',
    ],
    [
      'a service that cannot decide',
      setUp({ jobs: { copy: () => Promise.reject(new ServiceUnavailableError('temporal', new Error())) } }),
      copy,
      'unavailable',
      'temporal does not answer',
    ],
  ];
  for (const [what, api, send, outcome, reason] of cases) {
    it(`has one line for ${what}`, async () => {
      await send(api);
      assert.deepEqual(auditLines(api), [{ correlationId: ID, caller: 'alice', action: 'copy', outcome, reason }]);
      assert.ok(!JSON.stringify(api.lines).includes(token.slice(-20)));
    });
  }

  for (const action of ['cancel', 'pause', 'resume', 'retry'] as const) {
    it(`has one line for each ${action}, with the job that it is for`, async () => {
      const api = setUp();
      await api.post(`/apollo/files/copy/${ID}/${action}`, undefined, { 'x-correlation-id': ID });
      assert.deepEqual(auditLines(api), [
        { correlationId: ID, caller: 'alice', action, outcome: 'accepted', reason: undefined },
      ]);
    });
  }

  it('has a line for a control action that came too late', async () => {
    const api = setUp({ jobs: { control: () => Promise.reject(new JobEndedError({ ...JOB, state: 'Completed' })) } });
    await api.post(`/apollo/files/copy/${ID}/cancel`);
    const [line] = auditLines(api);
    assert.deepEqual([line?.outcome, line?.reason], ['conflict', 'The job has ended: Completed']);
  });

  it('has a line for whoever is not let in, wherever they wanted to, and no part of their token', async () => {
    const api = setUp();
    await api.copy(copyBody(), { authorization: `Bearer ${readerToken}`, 'x-correlation-id': ID });
    await api.copy(copyBody(), { authorization: `Bearer ${token}x`, 'x-correlation-id': ID });
    await api.get(`/apollo/status/logs?correlationId=${ID}`, { authorization: '' });
    assert.deepEqual(
      auditLines(api).map(({ caller, action, outcome }) => [caller, action, outcome]),
      [
        ['alice', 'copy', 'forbidden'],
        [undefined, 'copy', 'unauthenticated'],
        [undefined, 'read', 'unauthenticated'],
      ],
    );
    for (const secret of [token, readerToken]) assert.ok(!JSON.stringify(api.lines).includes(secret.slice(-20)));
  });

  it('has none for looking at jobs', async () => {
    const api = setUp();
    await api.get(`/apollo/status/logs?correlationId=${ID}`);
    await api.get('/apollo/files/copy');
    await api.get('/healthz');
    assert.deepEqual(auditLines(api), []);
  });
});
