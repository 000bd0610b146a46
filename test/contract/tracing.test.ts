import assert from 'node:assert/strict';
import { carrierOfSpan, spanIdOfRun } from '../../contract/tracing.ts';

describe('the trace that goes along with a job', () => {
  it('knows the span of a run by the id of the run, of which a part that tells runs apart is kept', () => {
    assert.equal(spanIdOfRun('019AB6D2-3e47-7c11-8f6b-0d6f1c5b9a10'), '8f6b0d6f1c5b9a10');
  });

  it('goes on from that span, with all else as it was', () => {
    const trace = '00-0af7651916cd43dd8448eb211c80319c';
    const carrier = { traceparent: `${trace}-b7ad6b7169203331-01`, tracestate: 'vendor=1' };
    const expected = { traceparent: `${trace}-8f6b0d6f1c5b9a10-01`, tracestate: 'vendor=1' };
    assert.deepEqual(carrierOfSpan(carrier, '8f6b0d6f1c5b9a10'), expected);
  });

  it('goes on as it is where it is of a kind that is not known', () => {
    for (const carrier of [{}, { traceparent: 'ff-1-2-3' }]) assert.deepEqual(carrierOfSpan(carrier, 'a'), carrier);
  });
});
