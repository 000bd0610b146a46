import type { OutgoingHttpHeaders } from 'node:http';

/** An HTTP answer, held whole. */
export interface Answer {
  status: number;
  headers: OutgoingHttpHeaders;
  body: Buffer;
  /** Bytes of the body after which it stops: the connection breaks, or stays open with nothing more; undefined: never. */
  stopAfter?: { bytes: number; how: 'break' | 'stall' };
}

/** Thrown in place of an answer: the connection is reset. */
export class ConnectionReset extends Error {
  override readonly name = 'ConnectionReset';
}

export function jsonAnswer(status: number, content: unknown, headers: OutgoingHttpHeaders = {}): Answer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=UTF-8', ...headers },
    body: Buffer.from(JSON.stringify(content)),
  };
}

/** An error as Cloud Storage writes it (cloud.google.com/storage/docs/json_api/v1/status-codes). */
export function errorAnswer(
  status: number,
  { reason = 'backendError', message = `HTTP ${status}`, headers = {} }: ErrorOptions = {},
): Answer {
  const error = { code: status, message, errors: [{ message, domain: 'global', reason }] };
  return jsonAnswer(status, { error }, headers);
}

export interface ErrorOptions {
  reason?: string;
  message?: string;
  headers?: OutgoingHttpHeaders;
}

export function notFound(message: string): Answer {
  return errorAnswer(404, { reason: 'notFound', message });
}

export function conditionNotMet(): Answer {
  const message = 'At least one of the pre-conditions you specified did not hold.';
  return errorAnswer(412, { reason: 'conditionNotMet', message });
}
