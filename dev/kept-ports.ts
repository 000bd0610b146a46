import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { USUAL_PORTS } from './ports.ts';

/** Ports of a stack whose data are kept: addresses that were printed, and tokens, are good for its next start as well. */
type Ports = Record<keyof typeof USUAL_PORTS, number>;

const shape = z.partialRecord(z.enum(Object.keys(USUAL_PORTS) as (keyof Ports)[]), z.int().min(1).max(65_535));

const fileIn = (dataFolder: string) => join(dataFolder, 'ports.json');

/** The ports that the stack had when it was last up; none where it never was, or the file says nothing of the kind. */
export async function readPorts(dataFolder: string): Promise<Partial<Ports>> {
  try {
    return shape.parse(JSON.parse(await readFile(fileIn(dataFolder), 'utf8')));
  } catch {
    return {};
  }
}

/** Keeps the ports for the next start. */
export async function keepPorts(dataFolder: string, ports: Ports): Promise<void> {
  await writeFile(fileIn(dataFolder), `${JSON.stringify(ports)}\n`);
}
