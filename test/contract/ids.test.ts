import assert from 'node:assert/strict';
import * as ids from '../../contract/ids.ts';

describe('names under which client, worker and operators find each other', () => {
  it('are those of the contract: a change would lose running jobs', () => {
    const { COPY_WORKFLOW, DEFAULT_TASK_QUEUE, ADMIT_UPDATE, ADMIT_UPDATE_ID } = ids;
    assert.deepEqual([COPY_WORKFLOW, DEFAULT_TASK_QUEUE], ['copyFiles', 'apollo-copy']);
    assert.deepEqual([ADMIT_UPDATE, ADMIT_UPDATE_ID], ['admit', 'admit']);
    assert.deepEqual([ids.CANCEL_SIGNAL, ids.PAUSE_SIGNAL, ids.RESUME_SIGNAL], ['cancel', 'pause', 'resume']);
    assert.deepEqual([ids.STATUS_QUERY, ids.FILES_QUERY], ['status', 'files']);
    assert.deepEqual(ids.SEARCH_ATTRIBUTES, { CopyRequestor: 'Keyword', CopyState: 'Keyword' });
  });
});

describe('a workflow', () => {
  const id = 'c7164076-9224-401c-a6bd-21908563abf8';

  it('is of a job where it copies or settles one', () => {
    for (const workflowId of [id, ids.reconcileId(id)]) assert.equal(ids.correlationIdOf(workflowId), id);
  });

  it('is of none where it does anything else', () => {
    const others = [ids.sweepByHandId('queue'), `${id}-workflow-2026-11-24T01:00:00Z`, id.toUpperCase(), ''];
    for (const workflowId of others) assert.equal(ids.correlationIdOf(workflowId), undefined);
  });
});

describe('a correlation id', () => {
  for (const text of [
    'c7164076-9224-401c-a6bd-21908563abf8',
    '00000000-0000-0000-0000-000000000000',
    'ffffffff-ffff-ffff-ffff-ffffffffffff',
    '018f3b5e-7c2a-7000-8000-000000000001',
  ]) {
    it(`may be any UUID: ${text}`, () => {
      assert.equal(ids.parseCorrelationId(text), text);
    });
  }

  it('is in lower case, whatever it was written in', () => {
    const text = 'C7164076-9224-401C-A6BD-21908563ABF8';
    assert.equal(ids.parseCorrelationId(text), text.toLowerCase());
  });

  for (const text of [
    '',
    'c7164076',
    'c71640769224401ca6bd21908563abf8',
    '{c7164076-9224-401c-a6bd-21908563abf8}',
    'urn:uuid:c7164076-9224-401c-a6bd-21908563abf8',
    'c7164076-9224-401c-a6bd-21908563abf8\n',
    ' c7164076-9224-401c-a6bd-21908563abf8',
    'c7164076-9224-401c-a6bd-21908563abfg',
    'c7164076-9224-401c-a6bd-21908563abf88',
    '../../locks/c7164076-9224-401c-a6bd-21908563abf8',
  ]) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(ids.parseCorrelationId(text), undefined);
    });
  }
});
