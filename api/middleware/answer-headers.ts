import type { Context, Next } from 'hono';

/**
 * Gives the answer these headers, unless it has its own. They are there before it is made: to add one to an answer that is
 * finished has Hono make another of it, and the server then sends it as a stream, which takes a millisecond.
 */
export async function answerWith(c: Context, headers: Readonly<Record<string, string>>, next: Next): Promise<void> {
  const entries = Object.entries(headers);
  for (const [name, value] of entries) c.header(name, value);
  await next();
  // Not every answer is made by the context.
  for (const [name, value] of entries) if (!c.res.headers.has(name)) c.header(name, value);
}
