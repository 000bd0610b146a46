import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { startCollector } from './collector.ts';

const ROOT = join(import.meta.dirname, '..', '..');

/** Runs a program as a process of its own, since tracing is one for a process; gives what it prints. */
async function run(program: string, env: Record<string, string> = {}): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], ...env },
    timeout: 30_000,
  });
  return stdout.trim();
}

const START = `
  import { createLogger } from './config/logger.ts';
  import { loadTracingConfig } from './config/tracing.ts';
  import { startTracing } from './telemetry/index.ts';
  const tracing = await startTracing('apollo-test', loadTracingConfig(process.env), createLogger('api', 'info'));
`;

describe('tracing', function () {
  this.timeout(60_000);

  it('loads none of its libraries where it is off', async () => {
    const loaded = await run(`
      import { registerHooks } from 'node:module';
      const loaded = [];
      registerHooks({ load: (url, context, next) => (loaded.push(url), next(url, context)) });
      ${START.replaceAll(/import (\{.*\}) from (.*);/g, 'const $1 = await import($2);')}
      await Promise.all([import('./api/app.ts'), import('./api/backend.ts'), import('./worker/worker.ts')]);
      console.log(tracing, loaded.length > 100, loaded.filter((url) => url.includes('@opentelemetry/sdk')).length);
    `);
    assert.equal(loaded, 'undefined true 0');
  });

  it('sends what it has when it is closed, as protobuf where nothing else is asked for', async () => {
    const collector = await startCollector();
    const program = `${START}
      const answer = async () => ({ route: '/healthz', status: 200, correlationId: undefined });
      await tracing.request({ method: 'GET', carrier: {} }, answer);
      await tracing.close();
    `;
    await run(program, { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url });
    const [delivery, ...more] = collector.deliveries;
    collector.close();
    assert.deepEqual([delivery?.path, delivery?.contentType], ['/v1/traces', 'application/x-protobuf']);
    assert.ok(delivery!.length > 100 && more.length === 0);
  });

  it('says in the log that traces cannot be sent, and ends in time all the same', async () => {
    const program = `${START}
      await tracing.request({ method: 'GET', carrier: {} }, async () => ({ route: '/', status: 500 }));
      const before = performance.now();
      await tracing.close();
      if (performance.now() - before > 3_000) throw new Error('it took too long');
    `;
    const endpoint = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:9', OTEL_EXPORTER_OTLP_TIMEOUT: '500' };
    assert.match(await run(program, endpoint), /"msg":"traces cannot be sent"/);
  });

  it('gives the first hundred requests to storage of an activity a span each, and none outside of a trace', async () => {
    const collector = await startCollector();
    const program = `${START}
      const send = () => tracing.storage.sent({ operation: 'rewrite', path: '/storage/v1/b/a/o/b' })?.();
      send();
      const answer = async () => {
        for (let count = 0; count < 150; count += 1) send();
        return { route: '/', status: 200 };
      };
      await tracing.request({ method: 'GET', carrier: {} }, answer);
      await tracing.close();
    `;
    const env = { OTEL_EXPORTER_OTLP_ENDPOINT: collector.url, OTEL_EXPORTER_OTLP_PROTOCOL: 'http/json' };
    await run(program, env);
    collector.close();
    assert.equal(collector.spans.filter(({ name }) => name === 'storage.rewrite').length, 100);
    assert.equal(new Set(collector.spans.map(({ traceId }) => traceId)).size, 1);
  });
});
