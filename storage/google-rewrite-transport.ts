import type { Storage } from '@google-cloud/storage';
import { send } from './client.ts';
import { StorageError } from './errors.ts';
import { toObjectInfo } from './objects.ts';
import type { RewriteAnswer, RewriteCall, RewriteTransport } from './rewrite-transport.ts';

interface RewriteResponse {
  done?: boolean;
  rewriteToken?: string;
  totalBytesRewritten?: string | number;
  objectSize?: string | number;
  resource?: Parameters<typeof toObjectInfo>[0];
}

/**
 * Rewrites through Google's client library, which brings authentication and connections. The client is to be made
 * without `autoRetry`: the library would repeat a rewrite whose answer was lost.
 */
export function createGoogleRewriteTransport(storage: Storage): RewriteTransport {
  return {
    async rewrite({ source, destination, ifGenerationMatch, rewriteToken }: RewriteCall): Promise<RewriteAnswer> {
      const [body] = await send(storage, () =>
        storage
          .bucket(source.bucket)
          .file(source.name)
          .request({
            method: 'POST',
            uri: `/rewriteTo/b/${encodeURIComponent(destination.bucket)}/o/${encodeURIComponent(destination.name)}`,
            qs: {
              sourceGeneration: source.generation,
              ifGenerationMatch,
              ...(rewriteToken === undefined ? {} : { rewriteToken }),
            },
          }),
      );
      const response = body as RewriteResponse;
      if (response.done === true && response.resource !== undefined) {
        return { done: true, object: toObjectInfo(response.resource) };
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
