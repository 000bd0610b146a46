import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { ConfigError } from './config.ts';

/** How to reach Temporal: Temporal's own settings (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS_*, profiles…). */
export interface TemporalConfig {
  namespace: string;
  connectionOptions: ClientConnectConfig['connectionOptions'] & { address: string };
}

/**
 * Reads Temporal's settings from the environment and, where one is named there, from a configuration file
 * (docs.temporal.io/references/client-environment-configuration). Throws ConfigError.
 */
export function loadTemporalConfig(env: Readonly<Record<string, string | undefined>>): TemporalConfig {
  try {
    const { namespace, connectionOptions } = loadClientConnectConfig({
      overrideEnvVars: Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => !!entry[1])),
    });
    return {
      namespace: namespace ?? 'default',
      connectionOptions: { ...connectionOptions, address: connectionOptions.address ?? 'localhost:7233' },
    };
  } catch (error) {
    throw new ConfigError(
      `TEMPORAL_* settings cannot be used: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
