import { parseArgs } from 'node:util';
import { startStorageServer } from './server.ts';

/** `node bench/storage-server/main.ts [--port 0]`: storage in memory, until SIGTERM. The first line says where. */

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' } } });
const server = await startStorageServer(Number(values.port));
process.once('SIGTERM', () => process.exit(0));
console.log(`storage server listens on ${server.url}`);
