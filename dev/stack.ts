import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CONTROL_BUCKET, defineParts, localUrl, type Env } from './definitions.ts';
import { emulatorAt, type Emulator } from './emulator.ts';
import type { Part, PartError } from './part.ts';
import { createPartSet } from './part-set.ts';
import { createPortClaims } from './port-claims.ts';
import { keepPorts, readPorts } from './kept-ports.ts';
import { choosePorts, LOOPBACK, USUAL_PORTS } from './ports.ts';

import { keyFileIn, startTokenIssuer, type TokenRequest } from './token-issuer.ts';
import { ensureTools } from './tools.ts';

export { CONTROL_BUCKET } from './definitions.ts';

export interface StackOptions {
  /** Folder that keeps buckets, objects and the token issuer's key; default: a temporary one, removed at the end. */
  dataFolder?: string;
  /** Keeps Temporal's workflows in a database file there, so that it can be restarted; default: in memory. */
  keepWorkflows?: boolean;
  /** Takes free ports even where the usual ones are free; for tests. */
  anyPorts?: boolean;
  /** Makes `temporal workflow delete` take about 5 s instead of 35 s. */
  quickDeletes?: boolean;
  /** `false` leaves a part out; it can still be started later, with `stack.worker.start()`. */
  worker?: boolean;
  api?: boolean;
  /** Settings for one process, over the stack's own. */
  env?: { api?: Env; worker?: Env };
  /** Where worker and API reach storage, given the emulator's URL: for a proxy in between. Default: the emulator. */
  storageUrl?: (emulatorUrl: string) => string | Promise<string>;
  /** Gives up a start that is under way, and ends what was started by then. */
  signal?: AbortSignal;
  /** Called where a part ends without having been told to. */
  onDeath?: (error: PartError) => void;
}

export interface Stack {
  readonly apiUrl: string;
  readonly temporalAddress: string;
  readonly temporalUiUrl: string;
  /** The emulator itself, whatever stands in front of it. */
  readonly storageUrl: string;
  readonly issuer: string;
  readonly jwksUrl: string;
  /** The metrics of the first worker. */
  readonly metricsUrl: string;
  readonly dataFolder: string;
  readonly temporal: Part;
  readonly storage: Part;
  readonly worker: Part;
  readonly api: Part;
  /** Reads and writes the emulator's buckets. */
  readonly emulator: Emulator;
  /** A signed token. */
  token(request: TokenRequest): Promise<string>;
  /** One more worker, not yet started; it ends with the stack. */
  addWorker(name: string, env?: Env): Promise<Part>;
  /** Ends everything: worker and API first, then what they depend on. May be called again. */
  stop(): Promise<void>;
}

/**
 * Brings up the embedded stack, each part a process of its own on the loopback address, and returns once all of them
 * are ready. Throws PartError or ToolsError, or the signal's reason, with nothing left running.
 */
export async function startStack(options: StackOptions = {}): Promise<Stack> {
  const tools = await ensureTools(options.signal);
  const dataFolder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'apollo-')));
  const parts = createPartSet(options);
  const removeData = () => rm(dataFolder, { recursive: true, force: true });
  if (options.dataFolder === undefined) parts.finally(removeData);
  try {
    await mkdir(join(dataFolder, 'logs'), { recursive: true });
    const claims = createPortClaims();
    parts.finally(claims.release);
    const usual = { ...USUAL_PORTS, ...(options.dataFolder !== undefined && (await readPorts(dataFolder))) };
    const ports = await choosePorts(usual, { anyFree: options.anyPorts ?? false, claim: claims.take });
    if (options.dataFolder !== undefined) await keepPorts(dataFolder, ports);
    // A profile of its own, lest the parts take up that of the person who runs them.
    const temporalConfigFile = join(dataFolder, 'temporal.toml');
    await writeFile(temporalConfigFile, '[profile.default]\n');
    const kept = options.dataFolder !== undefined && { keyFile: keyFileIn(dataFolder) };
    const tokens = await startTokenIssuer({ port: ports.issuer, ...kept });
    parts.finally(() => tokens.close());

    const emulatorUrl = localUrl(ports.storage);
    const define = defineParts({
      tools,
      dataFolder,
      temporalConfigFile,
      ports,
      tokens,
      keepWorkflows: options.keepWorkflows ?? false,
      quickDeletes: options.quickDeletes ?? false,
      storageUrl: (await options.storageUrl?.(emulatorUrl)) ?? emulatorUrl,
    });
    const temporal = parts.add('backing', define.temporal);
    const storage = parts.add('backing', define.storage);
    const worker = parts.add('service', define.worker('Worker', ports.metrics, options.env?.worker));
    const api = parts.add('service', define.api(options.env?.api));
    const emulator = emulatorAt(emulatorUrl, CONTROL_BUCKET);

    await parts.start([temporal, storage]);
    await emulator.makeBucket(CONTROL_BUCKET);
    await parts.start([...(options.worker === false ? [] : [worker]), ...(options.api === false ? [] : [api])]);
    return {
      apiUrl: localUrl(ports.api),
      temporalAddress: `${LOOPBACK}:${ports.temporal}`,
      temporalUiUrl: localUrl(ports.temporalUi),
      storageUrl: emulatorUrl,
      issuer: tokens.issuer,
      jwksUrl: tokens.jwksUrl,
      metricsUrl: `${localUrl(ports.metrics)}/metrics`,
      dataFolder,
      temporal,
      storage,
      worker,
      api,
      emulator,
      token: (request) => tokens.issueToken(request),
      async addWorker(name, env) {
        const { metrics } = await choosePorts({ metrics: 0 }, { anyFree: true, claim: claims.take });
        return parts.add('service', define.worker(name, metrics, { ...options.env?.worker, ...env }));
      },
      stop: () => parts.stop(),
    };
  } catch (error) {
    await parts.stop();
    throw error;
  }
}
