import { readFileSync } from 'node:fs';
import { loadClientConnectConfig, type ClientConnectConfig } from '@temporalio/envconfig';
import { ConfigError } from './config.ts';

/** How to reach Temporal: Temporal's own settings (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS_*, profiles…). */
export interface TemporalConfig {
  namespace: string;
  connectionOptions: ClientConnectConfig['connectionOptions'] & { address: string };
}

/** Settings that name a file. */
const FILES = [
  'TEMPORAL_CONFIG_FILE',
  'TEMPORAL_TLS_CLIENT_CERT_PATH',
  'TEMPORAL_TLS_CLIENT_KEY_PATH',
  'TEMPORAL_TLS_SERVER_CA_CERT_PATH',
];

/** Temporal's client takes whatever it does not know for `false`: a slip would send an API key in the clear. */
const SWITCHES = ['TEMPORAL_TLS', 'TEMPORAL_TLS_DISABLE_HOST_VERIFICATION'];

const HOST_AND_PORT = /^(?:\[[0-9a-f:.]+\]|[^\s:/]+)(?::\d{1,5})?$/i;

/**
 * Reads Temporal's settings from the environment and, where one is named there, from a configuration file
 * (docs.temporal.io/references/client-environment-configuration). Throws ConfigError.
 */
export function loadTemporalConfig(env: Readonly<Record<string, string | undefined>>): TemporalConfig {
  // A variable that is set to nothing counts as unset, as in Compose files.
  const settings = Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => !!entry[1]));
  for (const name of SWITCHES) checkSwitch(name, settings[name]);
  for (const name of FILES) checkFile(name, settings[name]);
  const { namespace = 'default', connectionOptions } = loadWithoutChecks(settings);
  const { address = 'localhost:7233' } = connectionOptions;
  if (!HOST_AND_PORT.test(address)) throw new ConfigError(`TEMPORAL_ADDRESS must be host:port, but is ${address}`);
  return { namespace, connectionOptions: { ...connectionOptions, address } };
}

function checkSwitch(name: string, value: string | undefined): void {
  if (value !== undefined && !/^(?:true|false|1|0)$/.test(value))
    throw new ConfigError(`${name} must be true or false`);
}

function checkFile(name: string, path: string | undefined): void {
  try {
    if (path !== undefined) readFileSync(path);
  } catch (error) {
    throw new ConfigError(`${name} names a file that cannot be read: ${inOneLine(error)}`);
  }
}

function loadWithoutChecks(settings: Record<string, string>): ClientConnectConfig {
  try {
    return loadClientConnectConfig({ overrideEnvVars: settings });
  } catch (error) {
    throw new ConfigError(`TEMPORAL_* settings cannot be used: ${inOneLine(error)}`);
  }
}

function inOneLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replaceAll(/\s+/g, ' ').trim();
}
