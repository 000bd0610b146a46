import assert from 'node:assert/strict';
import type { Caller } from './support/caller.ts';
import type { LogsBody } from './support/http.ts';
import { useWorld } from './support/world.ts';

/** All pages of a job's logs. */
async function pages(caller: Caller, id: string, query: Record<string, string>, headers = {}): Promise<LogsBody[]> {
  const found: LogsBody[] = [];
  for (let token: string | null | undefined; token !== null; token = found.at(-1)?.paging.continuationToken) {
    const more = token === undefined ? {} : { continuationToken: token };
    const { status, body } = await caller.logs(id, { ...query, ...more }, headers);
    assert.equal(status, 200);
    found.push(body);
  }
  return found;
}

const sizes = (found: LogsBody[]) => found.map(({ data }) => data.length);
const namesIn = (found: LogsBody[]) => found.flatMap(({ data }) => data.map(({ payload }) => payload.fileName));

describe('a job of a thousand files', function () {
  this.timeout(120_000);
  const world = useWorld('calm');

  describe('of which some are missing', () => {
    let caller: Caller;
    let id: string;
    // As many as a list may have whose files are copied one by one.
    const names = Array.from({ length: 1_000 }, (_, index) => `${index % 100 === 7 ? 'missing' : 'file'}-${index}`);
    const missing = names.filter((name) => name.startsWith('missing'));

    before(async () => {
      caller = await world().newCaller();
      await caller.put('file', 'content');
      const files = names.map((name) => (name.startsWith('missing') ? name : (['file', name] as const)));
      id = await caller.start(files);
      await caller.ended(id, { within: 100_000 });
    });

    it('is paged through in the order of the request, each file once', async () => {
      const found = await pages(caller, id, { limit: '300' });
      assert.deepEqual(sizes(found), [300, 300, 300, 100]);
      assert.deepEqual(
        found.flatMap(({ data }) => data.map(({ payload }) => payload.destinationFileName)),
        names,
      );
      for (const { paging, job } of found) {
        assert.equal(paging.totalCount, 1_000);
        assert.equal(job.state, 'CompletedWithErrors');
        assert.deepEqual([job.counts.completed, job.counts.failed, job.counts.bytes], [990, 10, 6_930]);
      }
    });

    it('is paged through by state', async () => {
      const failed = await pages(caller, id, { limit: '4', state: 'Failed' });
      assert.deepEqual(sizes(failed), [4, 4, 2]);
      assert.deepEqual(namesIn(failed), missing);
      const completed = await pages(caller, id, { limit: '400', state: 'Completed' });
      assert.deepEqual(sizes(completed), [400, 400, 190]);
      assert.ok(completed.every(({ paging }) => paging.totalCount === 990));
      assert.deepEqual(sizes(await pages(caller, id, { state: 'Cancelled' })), [0]);
    });

    it('is tracked whole, or by pages where that is asked for', async () => {
      const { body } = await caller.track(id);
      assert.deepEqual(body.data.Summary, { FilesRequestedToBeCopied: '1000', Succeeded: '990', Failed: '10' });
      assert.equal(body.data.Detail.length, 1_000);
      assert.equal(body.data.Detail.filter(({ Status }) => Status === 2).length, 10);
      assert.equal(body.paging, undefined);
    });

    it('has been written once each, and holds no lock any more', async () => {
      const there = names.filter((name) => !missing.includes(name));
      assert.ok(caller.writes(there).every((writes) => writes === 1));
      assert.deepEqual(await caller.locks(), []);
    });
  });

  it('to several collections can be narrowed to one of them', async () => {
    const caller = await world().newCaller();
    const neighbour = await world().newCaller();
    await neighbour.grant({ read: ['*'], write: ['*'] });
    const names = await caller.files(4);
    const copyFileCollectionData = caller.request(names).copyFileCollectionData.map((entry, index) => ({
      ...entry,
      ...(index % 2 === 1 && { destinationCollectionId: neighbour.destinationId }),
    }));
    const { body } = await caller.http.post<{ data: { CorrelationId: string } }>('/apollo/files/copy', {
      copyFileCollectionData,
    });
    const id = body.data.CorrelationId;
    await caller.ended(id);
    const inCollection = (ercollectionid: string) => pages(caller, id, { limit: '1' }, { ercollectionid });
    assert.deepEqual(namesIn(await inCollection(neighbour.destinationId)), [names[1], names[3]]);
    assert.deepEqual(namesIn(await inCollection(caller.destinationId)), [names[0], names[2]]);
    assert.deepEqual(namesIn(await inCollection(caller.sourceId)), names);
    assert.deepEqual(sizes(await inCollection('no-such-collection')), [0]);
  });
});
