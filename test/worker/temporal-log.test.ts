import assert from 'node:assert/strict';
import { bulkTaskQueue, controlTaskQueue, reconcileId } from '../../contract/ids.ts';
import { temporalLogger } from '../../worker/temporal-log.ts';
import { logLines } from '../support/log-lines.ts';

const ID = 'c7164076-9224-401c-a6bd-21908563abf8';

/** A log of this level, and the lines written to it. */
function logOf(level: string) {
  const { log, lines } = logLines(level);
  return { logger: temporalLogger(log, 'copies'), lines };
}

describe("Temporal's messages in the log", () => {
  it('have the correlation id of the job, however its workflow is named in them', () => {
    const { logger, lines } = logOf('info');
    logger.warn('of the SDK', { workflowId: ID });
    logger.warn('of its core', { workflow_id: ID });
    logger.warn('of a job that is settled', { workflowId: reconcileId(ID) });
    assert.deepEqual(
      lines.map(({ correlationId }) => correlationId),
      [ID, ID, ID],
    );
    assert.deepEqual(lines[0]?.['temporal'], { workflowId: ID });
  });

  it('have none where they are of no job', () => {
    const { logger, lines } = logOf('info');
    logger.info('of the worker');
    logger.info('of the sweep', { workflowId: 'apollo-copy-sweep' });
    for (const line of lines) assert.ok(!('correlationId' in line));
    assert.equal(lines.length, 2);
  });

  it('have their error as all lines do, with its stack', () => {
    const { logger, lines } = logOf('info');
    logger.error('failed', { error: new TypeError('wrong') });
    const { type, message, stack } = lines[0]?.['err'] as Record<string, string>;
    assert.deepEqual([type, message], ['TypeError', 'wrong']);
    assert.match(stack ?? '', /temporal-log\.test/);
  });

  it('leave out that no workflows run where none are to, and nothing else', () => {
    const { logger, lines } = logOf('info');
    const [none, another] = ['No workflows registered, not polling for workflow tasks', 'something else'];
    for (const taskQueue of [bulkTaskQueue('copies'), controlTaskQueue('copies')]) {
      logger.warn(none, { taskQueue });
      logger.warn(another, { taskQueue });
    }
    logger.warn(none, { taskQueue: 'copies' });
    assert.deepEqual(
      lines.map(({ msg }) => msg),
      [another, another, none],
    );
  });

  it('are there from the level of the log up', () => {
    for (const [level, count] of Object.entries({ trace: 3, debug: 2, info: 1, error: 0, silent: 0 })) {
      const { logger, lines } = logOf(level);
      logger.trace('each task');
      logger.debug('each activity');
      logger.info('the worker');
      assert.equal(lines.length, count, level);
    }
  });
});
