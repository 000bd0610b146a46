import { StorageError } from './errors.ts';
import type { JsonApi } from './json-api.ts';
import { objectPath, parseAnswer, toObjectInfo, type ObjectResource } from './objects.ts';
import type { RewriteAnswer, RewriteCall, RewriteTransport } from './rewrite-transport.ts';

/** What answers are to hold: all else would be sent, and parsed, for nothing. */
const FIELDS = 'done,rewriteToken,totalBytesRewritten,objectSize,resource(generation,size,crc32c,timeCreated)';

interface RewriteResponse {
  done?: boolean;
  rewriteToken?: string;
  totalBytesRewritten?: string | number;
  objectSize?: string | number;
  resource?: ObjectResource;
}

/** Rewrites by plain requests to the JSON API, which is to repeat none: a rewrite whose answer was lost may be done. */
export function createRewriteTransport(api: JsonApi): RewriteTransport {
  return {
    async rewrite({ source, destination, ifGenerationMatch, rewriteToken }: RewriteCall): Promise<RewriteAnswer> {
      const target = objectPath(destination).slice('/storage/v1'.length);
      const answer = await api.send({
        method: 'POST',
        path: `${objectPath(source)}/rewriteTo${target}`,
        query: { sourceGeneration: source.generation, ifGenerationMatch, rewriteToken, fields: FIELDS },
      });
      const response = parseAnswer(answer) as RewriteResponse;
      if (response.done === true && response.resource !== undefined) {
        return { done: true, object: toObjectInfo(response.resource, destination) };
      }
      if (response.rewriteToken === undefined || response.rewriteToken === '') {
        throw new StorageError('unavailable', 'the answer to a rewrite was cut short');
      }
      return {
        done: false,
        rewriteToken: response.rewriteToken,
        bytesRewritten: Number(response.totalBytesRewritten ?? 0),
        bytesTotal: Number(response.objectSize ?? 0),
      };
    },
  };
}
