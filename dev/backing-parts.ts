import { once } from 'node:events';
import { createConnection } from 'node:net';
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../contract/ids.ts';
import { findHalfWritten, removeHalfWritten } from './half-written.ts';
import type { PartDefinition } from './part.ts';
import { LOOPBACK } from './ports.ts';

/** The parts that are other people's programs: Temporal's development server and the storage emulator. */

type Launch = Pick<PartDefinition, 'command' | 'env'> & { log?: string };

const PROBE_TIMEOUT_MS = 2_000;

interface TemporalOptions extends Launch {
  port: number;
  uiPort: number;
  /** File that keeps workflows over a restart; without it they are in memory. */
  database?: string;
  /** Makes `temporal workflow delete` take about 5 s instead of 35 s. */
  quickDeletes: boolean;
  /** Events of a history from which on the server suggests that a workflow continue as a new run. Default: its own. */
  suggestContinueAsNewAt?: number;
}

/** The Temporal development server with its Web UI, knowing the search attributes of the service. */
export function temporalPart(options: TemporalOptions): PartDefinition {
  const { port, uiPort, database, quickDeletes, suggestContinueAsNewAt, ...launch } = options;
  const args = ['server', 'start-dev', '--ip', LOOPBACK, '--port', String(port), '--ui-port', String(uiPort)];
  for (const [name, type] of Object.entries(SEARCH_ATTRIBUTES)) args.push('--search-attribute', `${name}=${type}`);
  if (database !== undefined) args.push('--db-filename', database);
  if (quickDeletes) {
    for (const queue of ['history.transfer', 'history.visibility']) {
      args.push('--dynamic-config-value', `${queue}ProcessorUpdateAckInterval="1s"`);
    }
  }
  if (suggestContinueAsNewAt !== undefined) {
    args.push('--dynamic-config-value', `limit.historyCount.suggestContinueAsNew=${suggestContinueAsNewAt}`);
  }
  return {
    ...launch,
    name: 'Temporal',
    args: [...args, '--log-level', 'warn'],
    ready: { probe: () => temporalIsReady(port) },
    startTimeoutMs: 60_000,
    // It takes a second to end in order, which is worth it only where there is something to keep.
    stopTimeoutMs: database === undefined ? 0 : 5_000,
  };
}

/** Ready: the namespace can be described and the search attributes are in it. */
export async function temporalIsReady(port: number): Promise<boolean> {
  // A gRPC channel that was refused once backs off for a second, so one is opened only when somebody listens.
  if (!(await accepts(port))) return false;
  const connection = await Connection.connect({
    address: `${LOOPBACK}:${port}`,
    connectTimeout: PROBE_TIMEOUT_MS,
    channelArgs: { 'grpc.enable_http_proxy': 0 },
  }).catch(() => undefined);
  if (connection === undefined) return false;
  try {
    return await connection.withDeadline(Date.now() + PROBE_TIMEOUT_MS, async () => {
      await connection.workflowService.describeNamespace({ namespace: 'default' });
      const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
      return Object.keys(SEARCH_ATTRIBUTES).every((name) => Object.hasOwn(customAttributes, name));
    });
  } catch {
    return false;
  } finally {
    await connection.close();
  }
}

/** Whether somebody listens at a port of this machine. */
export async function accepts(port: number): Promise<boolean> {
  const socket = createConnection({ port, host: LOOPBACK });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** fake-gcs-server on the filesystem; `root` keeps buckets and objects. */
export function storagePart({ port, root, ...launch }: Launch & { port: number; root: string }): PartDefinition {
  const address = `${LOOPBACK}:${port}`;
  const url = `http://${address}`;
  let halfWritten: string[] = [];
  const listen = ['-scheme', 'http', '-host', LOOPBACK, '-port', String(port)];
  const reachedAs = ['-public-host', address, '-external-url', url];
  return {
    ...launch,
    name: 'Storage emulator',
    prepare: async () => {
      halfWritten = await findHalfWritten(root);
    },
    args: [...listen, ...reachedAs, '-backend', 'filesystem', '-filesystem-root', root, '-log-level', 'warn'],
    ready: {
      probe: async () => {
        if (!(await answersOk(`${url}/storage/v1/b?project=apollo-dev`))) return false;
        await removeHalfWritten(halfWritten, root, url);
        return true;
      },
    },
    startTimeoutMs: 30_000,
    stopTimeoutMs: 5_000,
  };
}

/** Whether a GET is answered with 2xx within the probe's time. */
export async function answersOk(url: string): Promise<boolean> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(PROBE_TIMEOUT_MS) });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}
