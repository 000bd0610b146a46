import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { DeterminismViolationError } from '@temporalio/workflow';
import { recordedJobs } from '../histories/jobs.ts';
import { fromJson } from '../support/temporal-history.ts';
import { replayHistory } from '../support/temporal-worker.ts';

const FOLDER = join(import.meta.dirname, '..', 'histories');
const names = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.json'))
  .map((file) => basename(file, '.json'));

async function read(name: string): Promise<string> {
  return await readFile(join(FOLDER, `${name}.json`), 'utf8');
}

async function replay(text: string): Promise<void> {
  const json = JSON.parse(text) as {
    events: [{ workflowExecutionStartedEventAttributes: { workflowId: string } }];
  };
  const { workflowId } = json.events[0].workflowExecutionStartedEventAttributes;
  await replayHistory(fromJson(json), workflowId);
}

describe('the workflows as they are now', () => {
  for (const name of names) {
    it(`replay the history of a job: ${name.replaceAll('-', ' ')}`, async () => {
      await replay(await read(name));
    });
  }

  it('are told from ones that do something else', async () => {
    const text = (await read('failed')).replaceAll('{"name":"copyFile"}', '{"name":"moveFile"}');
    await assert.rejects(replay(text), DeterminismViolationError);
  });

  it('have a history of every kind of job', () => {
    assert.deepEqual(names.toSorted(), Object.keys(recordedJobs()).toSorted());
  });
});
