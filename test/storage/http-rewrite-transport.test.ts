import { createJsonApi } from '../../storage/client.ts';
import { createRewriteTransport } from '../../storage/http-rewrite-transport.ts';
import { describeRewriteTransport } from './rewrite-transport-contract.ts';

describeRewriteTransport('rewrite transport over HTTP', ({ config }, { timeoutMs }) =>
  createRewriteTransport(createJsonApi(config, { retries: 0, timeoutMs })),
);
