import { readFileSync } from 'node:fs';
import { ConfigError } from './config.ts';

const NAME = 'GOOGLE_APPLICATION_CREDENTIALS';

/**
 * Makes sure that the file which GOOGLE_APPLICATION_CREDENTIALS names is there, and could be credentials: a process without
 * any would take work, and get none of it done (cloud.google.com/docs/authentication/application-default-credentials).
 * Whether Cloud Storage accepts them is not asked. With an emulator, or where the variable is not set, nothing is looked
 * at. Throws ConfigError, which holds nothing of the file.
 */
export function checkCredentials(env: Readonly<Record<string, string | undefined>>): void {
  const { [NAME]: path = '', STORAGE_EMULATOR_HOST: emulator = '' } = env;
  if (path === '' || emulator !== '') return;
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException;
    throw new ConfigError(`${NAME} names a file that cannot be read (${code}): ${path}`);
  }
  if (!isCredentials(text)) {
    throw new ConfigError(`${NAME} must name a file of credentials, a JSON object with a "type": ${path}`);
  }
}

function isCredentials(text: string): boolean {
  try {
    const content: unknown = JSON.parse(text);
    return typeof content === 'object' && content !== null && 'type' in content && typeof content.type === 'string';
  } catch {
    return false;
  }
}
