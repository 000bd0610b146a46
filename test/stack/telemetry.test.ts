import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startStack, type Stack } from '../../dev/stack.ts';
import { EXAMPLE_REQUEST, makeExample } from '../../dev/example.ts';
import { metricsOfAlerts } from '../deployment/alert-rules.ts';
import { startCollector, type CollectedSpan } from '../telemetry/collector.ts';
import { httpTo, type CopyBody } from './support/http.ts';
import { until } from './support/until.ts';

const CALLER = 'traced-caller';

/** Temporal's SDK begins to count these when there is one. */
const SHOWN_ONCE_IT_HAPPENS = new Set(['temporal_workflow_task_execution_failed', 'temporal_request_failure']);

/** What a caller's own trace says of itself. */
const TRACE_ID = '0af7651916cd43dd8448eb211c80319c';
const CALLER_SPAN = 'b7ad6b7169203331';
const CORRELATION_ID = '5c1c7c4e-6f0f-4a39-9d5e-0f6c1b1f6a52';

describe('what is told of a copy of two files', function () {
  this.timeout(120_000);
  let collector: Awaited<ReturnType<typeof startCollector>>;
  let stack: Stack;
  let spans: CollectedSpan[];

  before(async () => {
    collector = await startCollector();
    const otlp = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
    const env = { ...otlp, LOG_LEVEL: 'debug' };
    stack = await startStack({ anyPorts: true, env: { api: env, worker: env } });
    await makeExample(stack.emulator, CALLER);
    const http = httpTo(stack.apiUrl, await stack.token({ sub: CALLER }));
    const traceparent = `00-${TRACE_ID}-${CALLER_SPAN}-01`;
    const headers = { traceparent, prefer: 'wait=30', 'x-correlation-id': CORRELATION_ID };
    const { status } = await http.post<CopyBody>('/apollo/files/copy', EXAMPLE_REQUEST, headers);
    assert.equal(status, 200);
    await http.get(`/apollo/status/logs?correlationId=${CORRELATION_ID}`);
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

  async function linesOf(part: 'api' | 'worker'): Promise<Record<string, unknown>[]> {
    const text = await readFile(join(stack.dataFolder, 'logs', `${part}.log`), 'utf8');
    return text
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  async function pageAt(url: string): Promise<string> {
    const response = await fetch(url);
    assert.equal(response.status, 200);
    return await response.text();
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

  it('is in the metrics of the worker, beside those of the SDK', async () => {
    const copied = /^apollo_files_total\{result="completed"\} 2$/m;
    const page = await until('the copies are counted', async () => {
      const text = await pageAt(stack.metricsUrl);
      return copied.test(text) && text;
    });
    const expected = [
      /^apollo_bytes_copied_total 4662$/m,
      /^apollo_storage_requests_total\{operation="rewrite",status="2xx"\} 2$/m,
      /^apollo_storage_requests_total\{operation="stat",status="404"\} \d+$/m,
      /^apollo_storage_request_milliseconds_total\{operation="rewrite"\} \d+$/m,
      /^apollo_locks_total\{event="taken"\} 2$/m,
      /^apollo_admissions_total\{verdict="accepted"\} 1$/m,
      /^apollo_lanes 64$/m,
      /^apollo_rewrites_in_flight 0$/m,
      /^apollo_rewrites_waiting 0$/m,
      /^apollo_bucket_writes_total\{bucket="[^"]+"\} 2$/m,
      /^apollo_bucket_writes_per_second_limit\{bucket="[^"]+"\} 0$/m,
      /^apollo_chunks_in_progress 0$/m,
      /^temporal_num_pollers\{/m,
    ];
    for (const line of expected) assert.match(page, line);
  });

  it('has all that the alert rules ask about', async () => {
    const pages = await Promise.all([pageAt(stack.metricsUrl), pageAt(`${stack.apiUrl}/metrics`)]);
    const there = new Set(pages.join('\n').match(/^\w+/gm));
    const asked = await metricsOfAlerts();
    assert.ok(asked.size > 10);
    const missing = [...asked].filter((name) => !there.has(name) && !SHOWN_ONCE_IT_HAPPENS.has(name));
    assert.deepEqual(missing, []);
  });

  it('is in the log of both processes, with its correlation id in every line, those of the SDK too', async () => {
    const api = await linesOf('api');
    const ofApi = api.filter((line) => line['correlationId'] === CORRELATION_ID).map(({ msg }) => msg);
    assert.deepEqual(ofApi.toSorted(), ['audit', 'request', 'request']);
    const worker = await until('the workflow has ended', async () => {
      const lines = await linesOf('worker');
      return lines.some(({ msg }) => msg === 'Workflow completed') && lines;
    });
    const ofWorker = worker.filter((line) => line['correlationId'] === CORRELATION_ID).map(({ msg }) => msg);
    for (const told of ['Workflow started', 'Activity started', 'Activity completed', 'Workflow completed']) {
      assert.ok(ofWorker.includes(told), `${told}: ${ofWorker.join()}`);
    }
    for (const line of [...api, ...worker]) {
      const { correlationId, service, level, time, msg } = line;
      assert.ok(service !== undefined && level !== undefined && time !== undefined && msg !== undefined);
      if (JSON.stringify(line).includes(CORRELATION_ID)) assert.equal(correlationId, CORRELATION_ID);
    }
  });

  it('tells which process did what, and for which job', () => {
    const { attributes, service } = the('POST /apollo/files/copy');
    assert.equal(service, 'apollo-api');
    assert.equal(attributes.get('http.response.status_code'), '200');
    assert.equal(attributes.get('apollo.correlation_id'), CORRELATION_ID);
    for (const name of ['RunWorkflow:copyFiles', 'RunActivity:admitJob']) {
      assert.equal(the(name).service, 'apollo-worker');
      assert.equal(the(name).attributes.get('temporalWorkflowID'), CORRELATION_ID);
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
