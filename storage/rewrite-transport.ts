import type { ObjectInfo, ObjectRef } from './objects.ts';

/** One call of a rewrite. All calls of one rewrite carry the same values, but for the token. */
export interface RewriteCall {
  source: ObjectRef & { generation: string };
  destination: ObjectRef;
  /** Generation of the destination that may be replaced; "0": there must be none. */
  ifGenerationMatch: string;
  /** From the call before, while that one was not done. */
  rewriteToken?: string | undefined;
}

export type RewriteAnswer =
  | { done: true; object: ObjectInfo }
  | { done: false; rewriteToken: string; bytesRewritten: number; bytesTotal: number };

/**
 * Sends single rewrite calls (cloud.google.com/storage/docs/json_api/v1/objects/rewrite). It repeats nothing: whether
 * to go on, to repeat or to give up is the caller's to decide. Throws StorageError.
 */
export interface RewriteTransport {
  rewrite(call: RewriteCall): Promise<RewriteAnswer>;
}
