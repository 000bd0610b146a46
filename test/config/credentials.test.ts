import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError } from '../../config/config.ts';
import { checkCredentials } from '../../config/credentials.ts';

const NAME = 'GOOGLE_APPLICATION_CREDENTIALS';

describe('the file of credentials', () => {
  let folder: string;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'credentials-'));
  });

  after(() => rm(folder, { recursive: true }));

  async function fileOf(content: string): Promise<string> {
    const path = join(folder, 'credentials.json');
    await writeFile(path, content);
    return path;
  }

  function problemOf(path: string): string {
    try {
      checkCredentials({ [NAME]: path });
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.message;
    }
    return assert.fail(`${path} is taken`);
  }

  it('is taken where it could be one, of whatever kind', async () => {
    for (const type of ['service_account', 'authorized_user', 'external_account']) {
      checkCredentials({ [NAME]: await fileOf(JSON.stringify({ type, more: 1 })) });
    }
  });

  it('is not looked at where none is named, or storage is an emulator', () => {
    checkCredentials({});
    checkCredentials({ [NAME]: '' });
    checkCredentials({ [NAME]: join(folder, 'nowhere'), STORAGE_EMULATOR_HOST: 'http://127.0.0.1:4443' });
  });

  it('that is not there, or is a folder, is a wrong setting, which is named', () => {
    const missing = join(folder, 'nowhere.json');
    assert.equal(problemOf(missing), `${NAME} names a file that cannot be read (ENOENT): ${missing}`);
    assert.equal(problemOf(folder), `${NAME} names a file that cannot be read (EISDIR): ${folder}`);
  });

  it('that is none is a wrong setting, of which nothing is told', async () => {
    for (const content of ['', 'secret', '{"secret":', '"secret"', 'null', '{"secret":1}', '{"type":1}']) {
      const path = await fileOf(content);
      assert.equal(
        problemOf(path),
        `${NAME} must name a file of credentials, a JSON object with a "type": ${path}`,
        content,
      );
    }
  });
});
