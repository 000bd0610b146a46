import assert from 'node:assert/strict';
import { detailsOf, summaryOf } from '../../../api/jobs/job-text.ts';
import { DEFAULT_OPTIONS } from '../../../api/schemas/copy-options.ts';

describe('what Temporal shows of a request', () => {
  it('is what is copied and who asked, with names as they are, though it is taken for Markdown', () => {
    const options = { ...DEFAULT_OPTIONS };
    const [sourceCollectionId, destinationCollectionId] = ['*a*', 'b'];
    const entry = { sourceCollectionId, destinationCollectionId, fileName: 'f', destinationFileName: 'f' };
    assert.equal(summaryOf({ entries: [entry, entry], options }), '2 files \\*a\\* → b');
    const prefix = '[approve](https://evil.example/)';
    const bulk = { kind: 'collection' as const, sourceCollectionId, destinationCollectionId, prefix };
    const files = 'files under \\[approve\\](https\\://evil.example/) \\*a\\* → b';
    assert.equal(summaryOf({ bulk, options }), files);
    assert.ok(detailsOf('<b>eve', options).startsWith('Requested by \\<b\\>eve; overwrite: always'));
  });
});
