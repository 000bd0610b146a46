/** The workflows a worker runs; their names are workflow types. */
export { copyFiles } from './copy-files.ts';
