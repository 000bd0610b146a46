import { html } from 'hono/html';
import { FORETOLD, VERDICTS } from '../../contract/dry-run.ts';
import { NOT_ALL_LISTED } from '../../contract/listing.ts';
import { REASONS } from '../../contract/reasons.ts';
import { JOB_STATES } from '../../contract/states.ts';
import { copySection } from './copy-section.ts';
import { jobSection } from './job-section.ts';
import { stateWords } from './words.ts';

interface ShellOptions {
  /** Address of the list of workflows in Temporal's Web UI, without a trailing slash; undefined: there is none. */
  temporalUiUrl: string | undefined;
  /** The modules that the page runs, to be fetched at once. */
  scripts: readonly string[];
}

const meanings = JSON.stringify(
  Object.fromEntries(Object.entries(REASONS).map(([code, { meaning }]) => [code, meaning])),
);

/** What files of a dry run say. */
const dryRunWords = JSON.stringify({ foretold: FORETOLD, ...VERDICTS });

const signInSection = html`<section id="sign-in" hidden>
  <h1 tabindex="-1">Sign in</h1>
  <p id="sign-in-problem" class="problem" role="alert" hidden></p>
  <form id="sign-in-form" class="card">
    <label for="token">Access token</label>
    <input id="token" type="password" autocomplete="off" spellcheck="false" required aria-describedby="token-hint" />
    <p id="token-hint" class="muted">
      A JWT of the issuer this service trusts, with the scopes <code>apollo_read</code> and <code>apollo_write</code>.
      It is kept in this tab only, and gone when you close it.
    </p>
    <button type="submit" class="primary">Sign in</button>
  </form>
</section>`;

const jobsSection = html`<section id="jobs" hidden>
  <div class="head">
    <h1 tabindex="-1">Jobs</h1>
    <a class="button primary" href="#/new">New copy</a>
  </div>
  <p id="jobs-problem" class="problem" role="alert" hidden></p>
  <div class="toolbar">
    <label for="jobs-state">State</label>
    <select id="jobs-state">
      <option value="">All</option>
      ${JOB_STATES.map((state) => html`<option value="${state}">${stateWords(state)}</option>`)}
    </select>
    <span id="jobs-summary" class="muted" role="status"></span>
  </div>
  <ul id="jobs-list" class="card" aria-label="Jobs, newest first"></ul>
  <div id="jobs-pager" class="pager" hidden>
    <button type="button" id="jobs-newest" disabled>Newest</button>
    <button type="button" id="jobs-older" disabled>Older</button>
  </div>
</section>`;

/** The operator page as the server gives it: all of its views, to be filled and shown by client/main.js. */
export function shell({ temporalUiUrl = '', scripts }: ShellOptions) {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="referrer" content="no-referrer" />
        <title>Apollo file copy</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="page/style.css" />
        ${scripts.map((name) => html`<link rel="modulepreload" href="page/${name}" />`)}
        <script type="module" src="page/main.js"></script>
      </head>
      <body
        data-temporal-ui="${temporalUiUrl}"
        data-reasons="${meanings}"
        data-not-all-listed="${NOT_ALL_LISTED}"
        data-dry-run="${dryRunWords}"
      >
        <a class="skip" href="#main">Skip to the content</a>
        <header>
          <span class="brand">Apollo file copy</span>
          <nav aria-label="Main">
            <a href="#/" data-view="jobs">Jobs</a>
            <a href="#/new" data-view="copy">New copy</a>
            <a href="docs">API</a>
          </nav>
          <div id="signed-in" hidden>
            <span id="owner" class="muted" dir="auto"></span>
            <button type="button" id="sign-out">Sign out</button>
          </div>
        </header>
        <main id="main">
          <noscript
            ><p class="problem">
              This page needs JavaScript. The API behind it does not: see <a href="docs">API</a>.
            </p></noscript
          >
          ${signInSection} ${jobsSection} ${jobSection} ${copySection}
        </main>
        <p id="announcer" class="visually-hidden" role="status"></p>
      </body>
    </html>`;
}
