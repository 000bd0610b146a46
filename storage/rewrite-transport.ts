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

export type RewriteAnswer = { done: true; object: ObjectInfo } | { done: false; rewriteToken: string };

/** Who is told what became of a call: one of the two, once, and never before the call was made. They must not throw. */
export interface RewriteReceiver {
  answered(answer: RewriteAnswer): void;
  /** With a StorageError, or with a defect. */
  failed(error: unknown): void;
}

/**
 * Sends single rewrite calls (cloud.google.com/storage/docs/json_api/v1/objects/rewrite). It repeats nothing: whether
 * to go on, to repeat or to give up is the caller's to decide.
 */
export interface RewriteTransport {
  /** Sends a call without a promise, of which a job of a million files would make a few million. Does not throw. */
  send(call: RewriteCall, receiver: RewriteReceiver): void;
  /** Sends a call. Throws StorageError. */
  rewrite(call: RewriteCall): Promise<RewriteAnswer>;
}
