import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { topOfProfiles } from '../../bench/profile.ts';

describe("the benchmark's reading of CPU profiles", () => {
  it('adds up own time over all profiles of a folder, waiting left out', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'apollo-profiles-'));
    const frame = (functionName: string, url = '', lineNumber = 0) => ({ functionName, url, lineNumber });
    const nodes = [
      { id: 1, callFrame: frame('(idle)') },
      { id: 2, callFrame: frame('copy', 'file:///here/and/there/copy.ts', 11) },
      { id: 3, callFrame: frame('(garbage collector)') },
    ];
    try {
      const profiles = [
        { nodes, samples: [1, 2, 3], timeDeltas: [1_000, 200, 100] },
        { nodes, samples: [2], timeDeltas: [100] },
      ];
      for (const [index, profile] of profiles.entries()) {
        await writeFile(join(folder, `${index}.cpuprofile`), JSON.stringify(profile));
      }
      assert.deepEqual(await topOfProfiles(folder, 5), [
        { place: 'copy (and/there/copy.ts:12)', share: 0.75 },
        { place: '(garbage collector)', share: 0.25 },
      ]);
      assert.equal((await topOfProfiles(folder, 1)).length, 1);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
