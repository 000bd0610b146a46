import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { ComposeFile } from '../deployment/compose-file.ts';
import { natively, type Names } from './natively.ts';

type Env = Readonly<Record<string, string>>;

/** The services of a Compose file, as they are run on this machine. */
export interface NativeServices {
  /** The whole environment of a service; `more` goes before the names that all services share. */
  environmentOf(service: string, more?: Names): Env;
  /** Entrypoint and command of a service. */
  wordsOf(service: string): string[];
  /** Runs a service that ends by itself. Throws where it fails; gives what it wrote. */
  runToEnd(service: string): Promise<string>;
  /** Runs the health check of a service. Throws where it is not healthy. */
  checkHealth(service: string): Promise<void>;
}

interface Surroundings {
  compose: ComposeFile;
  names: Names;
  /** What every service has in its environment besides its own. */
  base: Env;
  signal: AbortSignal | undefined;
}

const RUN_TIMEOUT_MS = 180_000;
const HEALTH_TIMEOUT_MS = 10_000;

export function nativeServices({ compose, names, base, signal }: Surroundings): NativeServices {
  const service = (name: string) => compose.services[name] ?? {};
  const environmentOf = (name: string, more: Names = {}) => ({
    ...base,
    ...natively(service(name), { ...names, ...more }).env,
  });
  const wordsOf = (name: string) => natively(service(name), names).words;

  async function run([command = '', ...args]: string[], env: Env, timeout: number): Promise<string> {
    // The image's Node is the one that runs this.
    const program = command === 'node' ? process.execPath : command;
    const { stdout, stderr } = await promisify(execFile)(program, args, { env, timeout, ...(signal && { signal }) });
    return stdout + stderr;
  }

  return {
    environmentOf,
    wordsOf,
    runToEnd: (name) => run(wordsOf(name), environmentOf(name), RUN_TIMEOUT_MS),
    async checkHealth(name) {
      const [, ...command] = service(name).healthcheck?.test ?? [];
      await run(natively({ command }, names).words, environmentOf(name), HEALTH_TIMEOUT_MS);
    },
  };
}
