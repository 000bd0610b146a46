import { Client } from '@temporalio/client';
import {
  bundleWorkflowCode,
  DefaultLogger,
  makeTelemetryFilterString,
  NativeConnection,
  Runtime,
  type WorkflowBundle,
} from '@temporalio/worker';
import { temporalPart } from '../../dev/backing-parts.ts';
import { baseEnvironment } from '../../dev/environment.ts';
import { createPartSet } from '../../dev/part-set.ts';
import { createPortClaims } from '../../dev/port-claims.ts';
import { choosePorts, LOOPBACK, USUAL_PORTS } from '../../dev/ports.ts';
import { ensureTools } from '../../dev/tools.ts';
import { workflowModules } from '../../worker/workflow-bundle.ts';
import { afterAllTests } from './root-hooks.ts';

/** One Temporal development server and one workflow bundle, for all tests of a run. */
export interface SharedTemporal {
  readonly address: string;
  readonly namespace: string;
  /** The server's Web UI. */
  readonly uiUrl: string;
  readonly nativeConnection: NativeConnection;
  readonly client: Client;
  /** The workflows, bundled once. */
  readonly bundle: WorkflowBundle;
}

const NAMESPACE = 'default';

/** Recorded histories name the client by this, not by process and host. */
const CLIENT_IDENTITY = 'apollo-test-client';

/** What goes wrong on purpose in these tests is not worth a line; what the SDK itself cannot do is. */
const LOG_LEVEL = 'ERROR';

let shared: Promise<SharedTemporal> | undefined;

/** The shared server, started by the first test that asks, and ended after the last. */
export function sharedTemporal(): Promise<SharedTemporal> {
  shared ??= start();
  return shared;
}

async function start(): Promise<SharedTemporal> {
  installRuntime();
  const parts = createPartSet({});
  afterAllTests(() => parts.stop());
  const claims = createPortClaims();
  parts.finally(claims.release);
  const { temporal } = await ensureTools();
  const { temporal: port, temporalUi: uiPort } = await choosePorts(
    { temporal: USUAL_PORTS.temporal, temporalUi: USUAL_PORTS.temporalUi },
    { anyFree: true, claim: claims.take },
  );
  const server = parts.add(
    'backing',
    temporalPart({
      ...{ command: temporal, env: baseEnvironment(), port, uiPort, quickDeletes: true },
      // Instead of 4,096: more than any job of a test has that is not about this.
      suggestContinueAsNewAt: 1_200,
    }),
  );
  const [bundle] = await Promise.all([
    bundleWorkflowCode({ ...workflowModules(), logger: new DefaultLogger(LOG_LEVEL) }),
    parts.start([server]),
  ]);
  const address = `${LOOPBACK}:${port}`;
  const nativeConnection = await NativeConnection.connect({ address });
  afterAllTests(() => nativeConnection.close());
  const client = new Client({ connection: nativeConnection, namespace: NAMESPACE, identity: CLIENT_IDENTITY });
  return { address, namespace: NAMESPACE, uiUrl: `http://${LOOPBACK}:${uiPort}`, nativeConnection, client, bundle };
}

/** The runtime is one for the process. Signals are mocha's to handle: its hooks end what was started. */
function installRuntime(): void {
  Runtime.install({
    logger: new DefaultLogger(LOG_LEVEL),
    telemetryOptions: { logging: { filter: makeTelemetryFilterString({ core: LOG_LEVEL, other: LOG_LEVEL }) } },
    shutdownSignals: [],
  });
}
