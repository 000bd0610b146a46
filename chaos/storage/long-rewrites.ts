import { Refusal } from '../../bench/storage-server/bucket-store.ts';
import type { HttpAnswer, HttpRequest } from '../../bench/storage-server/http-connection.ts';
import { refusalAnswer } from '../../bench/storage-server/resources.ts';

const IN_SEVERAL_CALLS = /%2Flong-[^/]*\/rewriteTo\//i;

/** Calls that the rewrite of a long file takes. */
const CALLS = 4;

/**
 * Rewrites of files whose names start with `long-` take several calls, as those of large objects do: all but the last
 * are answered with a token, which is good for the same request only. Conditions are checked when the copy is made.
 */
export function createLongRewrites(): (request: HttpRequest, carryOut: () => HttpAnswer) => HttpAnswer {
  const issued = new Map<string, { target: string; calls: number }>();
  let count = 0;

  return function rewrite(request, carryOut) {
    const { path, query } = request;
    if (!IN_SEVERAL_CALLS.test(path)) return carryOut();
    const { rewriteToken, ...conditions } = query;
    const target = JSON.stringify([path, conditions]);
    const known = rewriteToken === undefined ? { target, calls: 0 } : issued.get(rewriteToken);
    if (known?.target !== target) return refusalAnswer(new Refusal(400, 'invalid', 'Invalid rewrite token.'));
    const calls = known.calls + 1;
    if (calls >= CALLS) return carryOut();
    count += 1;
    const token = `token-${count}`;
    issued.set(token, { target, calls });
    return {
      status: 200,
      body: JSON.stringify({
        kind: 'storage#rewriteResponse',
        totalBytesRewritten: '1',
        objectSize: '4',
        done: false,
        rewriteToken: token,
      }),
    };
  };
}
