import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import { SEARCH_ATTRIBUTES } from '../../contract/ids.ts';
import { baseEnvironment } from '../../dev/environment.ts';
import { ensureTools } from '../../dev/tools.ts';
import { eventually } from '../workflows/support.ts';
import { sharedTemporal } from './temporal.ts';

export interface BareNamespace {
  name: string;
  /** Makes search attributes, as operators do; default: all of the service's. */
  makeAttributes: (names?: readonly string[]) => Promise<void>;
}

/** Makes a namespace that has none of the service's search attributes. */
export async function makeBareNamespace(): Promise<BareNamespace> {
  const [{ address, nativeConnection }, { temporal }] = await Promise.all([sharedTemporal(), ensureTools()]);
  const name = `bare-${randomUUID()}`;
  const operator = async (...args: string[]) => {
    const where = ['--address', address, '--namespace', name];
    await promisify(execFile)(temporal, ['operator', ...args, ...where], { env: baseEnvironment() });
  };
  await operator('namespace', 'create', '--retention', '24h');
  // A new one is known everywhere a moment later.
  const { workflowService } = nativeConnection;
  await eventually(() => workflowService.countWorkflowExecutions({ namespace: name }).catch(() => undefined), 30_000);
  return {
    name,
    async makeAttributes(names = Object.keys(SEARCH_ATTRIBUTES)) {
      const each = names.flatMap((attribute) => ['--name', attribute, '--type', 'Keyword']);
      await operator('search-attribute', 'create', ...each);
    },
  };
}
