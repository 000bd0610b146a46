import assert from 'node:assert/strict';
import { setUp } from './support.ts';

describe('metrics', () => {
  it('are there without a token, and count requests by route, never by path', async () => {
    const { request } = setUp();
    await request('/healthz');
    await request('/healthz');
    await request('/apollo/files/track/5e3f1f0e-6d52-4c3e-8f6b-0d6f1c5b9a10');
    await request('/no/such/page');
    const response = await request('/metrics');
    assert.equal(response.status, 200);
    assert.match(response.headers.get('content-type') ?? '', /^text\/plain/);
    const text = await response.text();
    assert.match(text, /^apollo_http_requests_total{method="GET",route="\/healthz",status="200"} 2$/m);
    assert.match(text, /^apollo_http_requests_total{method="GET",route="[^"]*correlationId[^"]*",status="401"} 1$/m);
    assert.match(text, /^apollo_http_requests_total{method="GET",route="none",status="404"} 1$/m);
    assert.match(text, /^apollo_http_request_duration_seconds_count{method="GET",route="\/healthz"} 2$/m);
    assert.match(text, /^apollo_http_requests_in_flight 1$/m);
    assert.doesNotMatch(text, /5e3f1f0e/);
  });
});
