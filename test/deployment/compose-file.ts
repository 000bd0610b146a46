import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parse } from 'yaml';

/** A service of the Compose file, as far as it is looked at here. */
export interface ComposeService {
  image?: string;
  build?: string;
  user?: string;
  restart?: string;
  read_only?: boolean;
  cap_drop?: string[];
  security_opt?: string[];
  ports?: string[];
  volumes?: string[];
  entrypoint?: string[];
  command?: string[];
  environment?: Record<string, string>;
  healthcheck?: { test: string[] };
  depends_on?: Record<string, { condition: string }>;
}

export interface ComposeFile {
  name: string;
  services: Record<string, ComposeService>;
}

const PATH = join(import.meta.dirname, '..', '..', 'docker-compose.yml');

/** What a person has to set for docker-compose.yml to be taken. */
export const REQUIRED = {
  IMS_ISSUER: 'https://ims.example.com',
  IMS_JWKS_URL: 'https://ims.example.com/keys',
};

/** docker-compose.yml with its variables filled in from `env`, as `docker compose` does it. */
export async function readComposeFile(env: Readonly<Record<string, string>> = REQUIRED): Promise<ComposeFile> {
  const file: unknown = parse(await readFile(PATH, 'utf8'), { merge: true });
  return filledIn(file, env) as ComposeFile;
}

function filledIn(value: unknown, env: Readonly<Record<string, string>>): unknown {
  if (typeof value === 'string') return interpolate(value, env);
  if (Array.isArray(value)) return value.map((entry) => filledIn(entry, env));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, entry]) => [name, filledIn(entry, env)]));
}

/** The forms that docker-compose.yml uses: `$$`, `${NAME:-default}` and `${NAME:?what is missing}`. */
const VARIABLE = /\$(?:(?<dollar>\$)|\{(?<name>\w+)(?::(?<kind>[-?])(?<rest>[^}]*))\}|.?)/g;

function interpolate(text: string, env: Readonly<Record<string, string>>): string {
  return text.replaceAll(VARIABLE, (found, ...more) => {
    const { dollar, name, kind, rest = '' } = more.at(-1) as Record<string, string | undefined>;
    if (dollar !== undefined) return '$';
    if (name === undefined) throw new Error(`docker-compose.yml: what is ${found} in ${text}?`);
    const value = env[name] ?? '';
    if (value === '' && kind === '?') throw new Error(`docker-compose.yml: ${name} is missing: ${rest}`);
    return value === '' ? rest : value;
  });
}
