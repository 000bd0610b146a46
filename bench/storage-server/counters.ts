/** Kinds of operations that are counted, as the API's reference names them. */
export const OPERATIONS = ['bucket', 'get', 'media', 'list', 'insert', 'delete', 'rewrite'] as const;
export type Operation = (typeof OPERATIONS)[number];

/** How often each operation was asked for, refused ones included. */
export type OperationCounts = Record<Operation, number>;

/** What the server tells of itself. */
export interface ServerFigures {
  operations: OperationCounts;
  /** CPU time since it started, in microseconds. */
  cpuMicros: number;
  /** Bytes. */
  residentSize: number;
}

/** What the server tells of a bucket, or of what is under a prefix in it. */
export interface BucketFigures {
  objects: number;
  /** When anything in the bucket was last written or deleted, in milliseconds since the epoch; 0: never. */
  lastWriteAt: number;
}
