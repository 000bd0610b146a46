import assert from 'node:assert/strict';
import { fromStorage } from '../../../api/jobs/from-storage.ts';
import { ServiceUnavailableError } from '../../../api/jobs/job-service.ts';
import { StorageError } from '../../../storage/errors.ts';

describe('what storage answers', () => {
  it('is given as it comes', async () => {
    assert.equal(await fromStorage(Promise.resolve('as it is')), 'as it is');
  });

  it('makes the service unavailable where it is an error, with that as the cause', async () => {
    const cause = new StorageError('malformed', 'jobs/x/job.json is no JSON');
    await assert.rejects(fromStorage(Promise.reject(cause)), (error) => {
      assert.ok(error instanceof ServiceUnavailableError);
      assert.equal(error.dependency, 'storage');
      assert.equal(error.cause, cause);
      return true;
    });
  });

  it('is no excuse for a defect, which goes on as it is', async () => {
    const defect = new TypeError("cannot read properties of undefined (reading 'files')");
    await assert.rejects(fromStorage(Promise.reject(defect)), (error) => error === defect);
  });
});
