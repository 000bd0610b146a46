/** The workflows a worker runs; their names are workflow types. */
export { copyFiles } from './copy-files.ts';
export { reconcile } from './reconcile.ts';
export { sweep } from './sweep.ts';

/**
 * The SDK keeps a stack trace of every promise of a workflow, for its query `__stack_trace`: with ten frames, each looked
 * up in the source map, that is half of what a workflow costs. One frame tells of an error where it was thrown.
 */
Error.stackTraceLimit = 1;
