import assert from 'node:assert/strict';
import { EXAMPLE_FILES, EXAMPLE_REQUEST, exampleObjects, makeExample } from '../../dev/example.ts';
import { CONTROL_BUCKET } from '../../dev/stack.ts';
import { isEndState } from '../../contract/states.ts';
import { holdBefore } from '../support/storage-proxy/index.ts';
import { useWorld } from './support/world.ts';

describe('the documented example', () => {
  const world = useWorld('calm');

  it('is answered as documented, and both files arrive whole', async () => {
    const { stack } = world();
    const caller = await world().newCaller();
    await makeExample(stack.emulator, caller.name);

    const { status, headers, body } = await caller.decidedPost('/apollo/files/copy', EXAMPLE_REQUEST);
    const id = headers.get('x-correlation-id') ?? '';
    assert.equal(status, 200);
    assert.deepEqual(body, {
      status: { message: 'Files copying completed', code: '200' },
      data: {
        Result: `Please check the status of your request at statusURL: ${stack.apiUrl}/apollo/status/logs?correlationId=${id}`,
        Message: 'Number of file copy requests:2',
        CorrelationId: id,
      },
    });

    const { job, data: records, paging } = await caller.ended(id);
    assert.equal(job.state, 'Completed');
    assert.deepEqual(paging, { totalCount: 2, continuationToken: null });
    for (const [index, { fileName, contentType }] of EXAMPLE_FILES.entries()) {
      const { source, copy } = exampleObjects(fileName);
      const stored = await stack.emulator.statObject(...copy);
      assert.equal(stored?.contentType, contentType);
      assert.deepEqual(await stack.emulator.getObject(...copy), await stack.emulator.getObject(...source));
      const { state, payload, stateHistory } = records[index]!;
      assert.equal(state, 'Completed');
      assert.deepEqual(
        [payload.fileName, payload.size, payload.crc32c, payload.generation],
        [fileName, stored.size, stored.crc32c, stored.generation],
      );
      assert.deepEqual(
        stateHistory.map((change) => change.state),
        ['Requested', 'Processing', 'Completed'],
      );
    }
  });

  it('looks the same in track and in logs', async () => {
    const caller = await world().newCaller();
    const names = await caller.files(2);
    const { job, data: records } = await caller.copied([...names, 'missing.txt']);
    const { status, body } = await caller.track(job.correlationId);

    assert.equal(status, 200);
    assert.deepEqual(body.data.Summary, { FilesRequestedToBeCopied: '3', Succeeded: '2', Failed: '1' });
    assert.deepEqual(
      body.data.Detail,
      records.map(({ payload, serviceData, state, message }) => ({
        FileName: payload.fileName,
        SourceCollectionId: caller.sourceId,
        DestinationCollectionId: caller.destinationId,
        SourceEntityId: serviceData.relationshipId,
        DestinationEntityId: serviceData.entityId,
        Status: state === 'Completed' ? 1 : 2,
        ...(message !== '' && { ReasonOfFailure: message }),
      })),
    );
  });

  it('has given its locks back before its end can be seen', async () => {
    const { proxy, temporal } = world();
    const caller = await world().newCaller();
    const [name = ''] = await caller.files(1);
    const hold = holdBefore();
    const isRelease = {
      operation: 'delete',
      bucket: CONTROL_BUCKET,
      name: new RegExp(`^locks/${caller.bucket}/`),
    } as const;
    proxy.inject(isRelease, hold);

    const id = await caller.start([name]);
    await hold.reached;
    const { body } = await caller.logs(id);
    assert.ok(!isEndState(body.job.state), `the job is ${body.job.state} while its lock is there`);
    assert.equal((await caller.locks()).length, 1);
    assert.equal((await temporal.workflow.getHandle(id).describe()).status.name, 'RUNNING');

    hold.release();
    await caller.ended(id);
    assert.deepEqual(await caller.locks(), []);
    const [released] = proxy.requests(isRelease);
    const closings = proxy.requests({ operation: 'upload', bucket: CONTROL_BUCKET, name: `jobs/${id}/job.json` });
    assert.equal(closings.length, 2);
    assert.ok(closings[1]!.arrivedAt.monotonic >= released!.answeredAt!.monotonic);
  });
});
