import assert from 'node:assert/strict';
import { ConfigError } from '../../config/config.ts';
import { loadTracingConfig } from '../../config/tracing.ts';

const ON = { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://collector:4318' };

describe('settings of tracing', () => {
  it('leave it off where no endpoint is set, or where it is switched off', () => {
    const off = [
      {},
      { OTEL_EXPORTER_OTLP_ENDPOINT: '' },
      { OTEL_SERVICE_NAME: 'x', OTEL_TRACES_SAMPLER: 'always_on' },
      { ...ON, OTEL_SDK_DISABLED: 'true' },
      { ...ON, OTEL_TRACES_EXPORTER: 'none' },
    ];
    for (const env of off) assert.equal(loadTracingConfig(env), undefined, JSON.stringify(env));
  });

  it('have the defaults of OpenTelemetry', () => {
    const defaults = { protocol: 'http/protobuf', sampler: 'parentbased_always_on', ratio: 1 };
    assert.deepEqual(loadTracingConfig(ON), defaults);
    assert.deepEqual(loadTracingConfig({ OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: 'https://c/v1/traces' }), defaults);
  });

  it('are taken from the environment, those of traces before those of all signals', () => {
    const env = {
      ...ON,
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: 'http/json',
      OTEL_TRACES_SAMPLER: 'parentbased_traceidratio',
      OTEL_TRACES_SAMPLER_ARG: '0.25',
    };
    const expected = { protocol: 'http/json', sampler: 'parentbased_traceidratio', ratio: 0.25 };
    assert.deepEqual(loadTracingConfig(env), expected);
  });

  it('are refused by name where they are wrong', () => {
    const wrong = {
      OTEL_EXPORTER_OTLP_ENDPOINT: 'collector:4317',
      OTEL_EXPORTER_OTLP_PROTOCOL: 'grpc',
      OTEL_TRACES_SAMPLER: 'sometimes',
      OTEL_TRACES_SAMPLER_ARG: '2',
    };
    for (const [name, value] of Object.entries(wrong)) {
      const message = new RegExp(`^${name} must be `);
      assert.throws(() => loadTracingConfig({ ...ON, [name]: value }), { name: ConfigError.name, message }, name);
    }
  });
});
