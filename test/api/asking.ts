import assert from 'node:assert/strict';
import { assertAnswer, ID, setUp } from './support.ts';

/** A route that needs both scopes and answers with what the job service was asked. */
export const LOGS = `/apollo/status/logs?correlationId=${ID}`;

/** Asks for a job's logs with this Authorization header. */
export async function askWith(authorization: string | undefined, app = setUp()) {
  const response = await app.request(LOGS, authorization === undefined ? {} : { headers: { authorization } });
  return { response, ...app };
}

/** Asserts that a header is answered as RFC 6750 has it for a bad token, reaches nothing, and is not in the log. */
export async function assertInvalid(authorization: string, app = setUp()): Promise<void> {
  const { response, calls, lines } = await askWith(authorization, app);
  assert.equal(await assertAnswer(response, 401), null);
  assert.equal(response.headers.get('www-authenticate'), 'Bearer error="invalid_token"');
  assert.deepEqual(calls, []);
  const credentials = authorization.split(' ').at(-1) ?? '';
  if (credentials.length > 20) assert.ok(!JSON.stringify(lines).includes(credentials.slice(-20)), 'token in the log');
}
