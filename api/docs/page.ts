import { html } from 'hono/html';

/** The page itself: nothing but a frame for Swagger UI. Its links are relative, so that a prefix in front does no harm. */
export const PAGE = html`<!doctype html>
  <html lang="en">
    <head>
      <meta charset="utf-8" />
      <meta name="viewport" content="width=device-width, initial-scale=1" />
      <title>Apollo file copy: API</title>
      <link rel="icon" href="data:," />
      <link rel="stylesheet" href="docs/swagger-ui.css" />
      <script src="docs/swagger-ui-bundle.js" defer></script>
      <script src="docs/start.js" defer></script>
    </head>
    <body>
      <main id="docs">
        <noscript
          >This page needs JavaScript; the document it shows is <a href="openapi.json">openapi.json</a>.</noscript
        >
      </main>
    </body>
  </html>`;

/** Starts Swagger UI. No validator of others, no file of a token: it is gone with the tab. */
export const START_SCRIPT = `SwaggerUIBundle({
  url: 'openapi.json',
  dom_id: '#docs',
  deepLinking: true,
  persistAuthorization: false,
  validatorUrl: null,
  defaultModelsExpandDepth: 0,
});
`;

/**
 * What the page may do: run and look like what this service serves itself, show pictures that are in the style sheet,
 * and ask this service, also under its public URL.
 */
export function contentSecurityPolicy(publicUrl: string): string {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    `connect-src 'self' ${new URL(publicUrl).origin}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ');
}
