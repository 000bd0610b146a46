import { CliError } from '../cli-error.ts';
import type { CliContext } from '../context.ts';
import { EXIT } from '../exit-codes.ts';
import { printable } from '../text.ts';
import { ApiClient } from './client.ts';
import { tokenSource, type TokenOptions } from './token.ts';

const DEFAULT_API_URL = 'http://127.0.0.1:8080';

export interface ApiOptions extends TokenOptions {
  api?: string | undefined;
}

/** The API that options and environment name, with their token. Sends nothing yet; throws CliError. */
export function connectApi(options: ApiOptions, context: CliContext): ApiClient {
  const url = options.api ?? (context.env['APOLLO_API_URL'] || DEFAULT_API_URL);
  if (!URL.canParse(url) || !/^https?:/i.test(url)) {
    const isSetting = options.api === undefined;
    throw new CliError(
      isSetting ? EXIT.settings : EXIT.usage,
      `the API's URL must start with http:// or https:// (--api, APOLLO_API_URL), but is ${printable(url)}`,
    );
  }
  return new ApiClient(url.replace(/\/+$/, ''), tokenSource(options, context.env), context);
}
