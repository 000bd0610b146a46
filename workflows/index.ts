/** The workflows a worker runs; their names are workflow types. */
export { copyFiles } from './copy-files.ts';
export { reconcile } from './reconcile.ts';
export { sweep } from './sweep.ts';
