import { createStorageClient } from '../../storage/client.ts';
import { createGoogleRewriteTransport } from '../../storage/google-rewrite-transport.ts';
import { describeRewriteTransport } from './rewrite-transport-contract.ts';

describeRewriteTransport('rewrite transport on the client library', ({ config }, { timeoutMs }) =>
  createGoogleRewriteTransport(createStorageClient(config, { autoRetry: false, timeoutMs })),
);
