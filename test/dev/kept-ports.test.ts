import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { keepPorts, readPorts } from '../../dev/kept-ports.ts';
import { USUAL_PORTS } from '../../dev/ports.ts';

describe('the ports of a stack whose data are kept', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'apollo-test-'));
  });

  after(async () => {
    await rm(folder, { recursive: true });
  });

  it('are the same at its next start', async () => {
    assert.deepEqual(await readPorts(folder), {});
    const ports = { ...USUAL_PORTS, api: 20_001, storage: 20_002 };
    await keepPorts(folder, ports);
    assert.deepEqual(await readPorts(folder), ports);
  });

  it('are the usual ones where what is kept says nothing of the kind', async () => {
    for (const content of ['', 'null', '{"api":"8080"}', '{"api":70000}', '{"other":8080}']) {
      await writeFile(join(folder, 'ports.json'), content);
      assert.deepEqual(await readPorts(folder), {}, content);
    }
  });
});
