import { measurePostLatency } from './post-latency.ts';

process.exitCode = (await measurePostLatency()) ? 0 : 1;
