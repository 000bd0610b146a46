import assert from 'node:assert/strict';
import { startStack, type Stack } from '../../dev/stack.ts';
import { EXAMPLE_REQUEST, makeExample } from '../../dev/example.ts';
import { startCollector, type CollectedSpan } from '../telemetry/collector.ts';
import { httpTo, type CopyBody } from './support/http.ts';
import { until } from './support/until.ts';

const CALLER = 'traced-caller';

/** What a caller's own trace says of itself. */
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER_SPAN = 'b7ad6b7169203331';

describe('a copy of two files, with traces sent to a collector', function () {
  this.timeout(120_000);
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let stack: Stack;
  let spans: CollectedSpan[];

  before(async () => {
    collector = await startCollector();
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
    stack = await startStack({ anyPorts: true, env: { api: env, worker: env } });
    await makeExample(stack.emulator, CALLER);
    const http = httpTo(stack.apiUrl, await stack.token({ sub: CALLER }));
    const traceparent = `00-${TRACE_ID}-${CALLER_SPAN}-01`;
    const { status } = await http.post<CopyBody>('/apollo/files/copy', EXAMPLE_REQUEST, {
      traceparent,
      prefer: 'wait=30',
    });
    assert.equal(status, 200);
    const isWhole = () => ['POST /apollo/files/copy', 'RunWorkflow:copyFiles'].every((name) => find(name).length > 0);
    await until('the trace is there', isWhole, { within: 20_000 });
    spans = collector.spans.filter(({ traceId }) => traceId === TRACE_ID);
  });

  after(async () => {
    await stack.stop();
    collector.close();
  });

  function find(name: string): CollectedSpan[] {
    return collector.spans.filter((span) => span.name === name && span.traceId === TRACE_ID);
  }

  function the(name: string): CollectedSpan {
    const found = find(name);
    assert.equal(found.length, 1, `${name}: ${found.length}`);
    return found[0]!;
  }

  it("is one trace, the caller's: the request, the workflow, admission, copies, and their requests to storage", () => {
    const request = the('POST /apollo/files/copy');
    const start = the('UpdateWithStartWorkflow:copyFiles');
    const workflow = the('RunWorkflow:copyFiles');
    const admission = the('RunActivity:admitJob');
    const copies = find('RunActivity:copyFile');
    assert.equal(request.parentSpanId, CALLER_SPAN);
    assert.equal(start.parentSpanId, request.spanId);
    assert.equal(workflow.parentSpanId, start.spanId);
    assert.equal(copies.length, 2);
    for (const { parentSpanId } of [admission, ...copies]) assert.equal(parentSpanId, workflow.spanId);
    for (const copy of copies) {
      const calls = spans.filter(({ parentSpanId }) => parentSpanId === copy.spanId).map(({ name }) => name);
      assert.deepEqual(calls.toSorted(), ['storage.rewrite', 'storage.stat', 'storage.stat', 'storage.stat']);
    }
    const admitting = spans.filter(({ parentSpanId }) => parentSpanId === admission.spanId).map(({ name }) => name);
    for (const name of ['storage.read', 'storage.write']) assert.ok(admitting.includes(name), admitting.join());
  });

  it('tells which process did what, and for which job', () => {
    const { attributes, service } = the('POST /apollo/files/copy');
    assert.equal(service, 'apollo-api');
    assert.equal(attributes.get('http.response.status_code'), '200');
    const id = attributes.get('apollo.correlation_id');
    for (const name of ['RunWorkflow:copyFiles', 'RunActivity:admitJob']) {
      assert.equal(the(name).service, 'apollo-worker');
      assert.equal(the(name).attributes.get('temporalWorkflowID'), id);
    }
    const [rewrite] = find('storage.rewrite');
    assert.equal(rewrite?.attributes.get('apollo.storage.status'), '2xx');
    assert.ok(rewrite.attributes.get('gcp.gcs.bucket'));
  });

  it('has each span within the one around it, as far as the clocks of one machine tell', () => {
    const byId = new Map(spans.map((span) => [span.spanId, span]));
    for (const { name, parentSpanId, startedAt } of spans) {
      const parent = byId.get(parentSpanId);
      // A workflow's times are those of its history's events, so they may be some milliseconds off.
      if (parent !== undefined) assert.ok(startedAt >= parent.startedAt - 250, `${name} begins before ${parent.name}`);
    }
  });
});
