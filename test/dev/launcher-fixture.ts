import { createProcesses } from '../../dev/processes.ts';

/** Starts one child that starts one of its own, each listening on a port given as argument, and waits for ever. */
const [childPort, grandchildPort] = process.argv.slice(2);

const listen = (port: string | undefined) =>
  `require('node:net').createServer().listen(${port ?? ''}, '127.0.0.1', () => console.log('listening'));`;
const startGrandchild = `require('node:child_process').spawn(process.execPath, ['-e', ${JSON.stringify(listen(grandchildPort))}], { stdio: 'inherit' });`;

const listening: string[] = [];
await createProcesses().start(process.execPath, ['-e', listen(childPort) + startGrandchild], {
  env: {},
  onLine(line) {
    listening.push(line);
    if (listening.length === 2) process.stdout.write('both listen\n');
  },
});
