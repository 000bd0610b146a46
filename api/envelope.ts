/** The shape of every JSON answer under /apollo/. */
export interface Envelope<Data> {
  status: { message: string; code: string };
  data: Data;
}

/** Wraps an answer's data; `code` is its HTTP status, which the envelope repeats as a string. */
export function envelope<Data>(code: number, message: string, data: Data): Envelope<Data> {
  return { status: { message, code: String(code) }, data };
}
