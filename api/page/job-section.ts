import { html } from 'hono/html';

/** One job: how it stands, what can be done with it, and its files. */
export const jobSection = html`<section id="job" hidden>
  <p class="crumbs"><a href="#/">← All jobs</a></p>
  <div class="head">
    <h1 id="job-heading" tabindex="-1">Job <code id="job-id"></code></h1>
    <a id="job-temporal" href="#" target="_blank" rel="noopener noreferrer" hidden>
      Open in Temporal<span class="visually-hidden"> (new tab)</span> ↗
    </a>
  </div>
  <p id="job-problem" class="problem" role="alert" hidden></p>
  <div id="job-details" hidden>
    <div id="job-dry-run" class="notice" hidden>
      <div>
        <p id="job-dry-run-words" role="status"></p>
        <ul id="job-dry-run-failures" hidden></ul>
      </div>
      <button type="button" id="job-for-real" class="primary" hidden>Copy these files now</button>
    </div>
    <div class="card">
      <div class="state-line">
        <span id="job-state" class="badge"></span>
        <span id="job-meaning"></span>
      </div>
      <p id="job-reason" class="problem" hidden></p>
      <progress id="job-bar" aria-label="Progress of the job" aria-describedby="job-counts"></progress>
      <div class="split">
        <span id="job-counts" class="numbers"></span>
        <span id="job-speed" class="muted"></span>
      </div>
      <dl id="job-facts"></dl>
      <div class="actions">
        <button type="button" id="job-retry" class="primary" hidden>Retry what failed</button>
        <button type="button" id="job-pause" hidden>Pause</button>
        <button type="button" id="job-resume" class="primary" hidden>Resume</button>
        <button type="button" id="job-cancel" class="danger" hidden>Cancel job…</button>
      </div>
      <p id="job-retry-hint" class="muted" hidden>
        A retry leaves out lines of a manifest that are not valid: they would fail again. Correct them, and copy them
        anew.
      </p>
    </div>
    <h2>Files</h2>
    <div id="files-filters" class="filters" role="group" aria-label="Show files by state"></div>
    <div class="toolbar">
      <label for="files-search">Search names on this page</label>
      <input id="files-search" type="search" autocomplete="off" spellcheck="false" />
      <span id="files-summary" class="muted" role="status"></span>
    </div>
    <p id="files-note" class="muted" hidden>
      The files of a prefix or a manifest are listed with their outcome as each thousand of them is through: until then
      they stand as requested here, while the numbers above move.
    </p>
    <p id="files-problem" class="problem" role="alert" hidden></p>
    <table class="card" role="table" aria-label="Files of the job, failures first">
      <thead role="rowgroup">
        <tr role="row">
          <th role="columnheader" scope="col">State</th>
          <th role="columnheader" scope="col">File</th>
          <th role="columnheader" scope="col" class="numbers">Size</th>
          <th role="columnheader" scope="col">Reason</th>
        </tr>
      </thead>
      <tbody id="files-body" role="rowgroup"></tbody>
    </table>
    <div id="files-pager" class="pager" hidden>
      <button type="button" id="files-previous" disabled>Previous page</button>
      <button type="button" id="files-next" disabled>Next page</button>
    </div>
  </div>
  <dialog id="cancel-dialog" aria-labelledby="cancel-title">
    <form method="dialog">
      <h2 id="cancel-title">Cancel this job?</h2>
      <p>No further file is started. Files that are copied by then stay where they are.</p>
      <div class="actions">
        <button value="keep" autofocus>Let it go on</button>
        <button value="cancel" class="danger">Cancel the job</button>
      </div>
    </form>
  </dialog>
</section>`;
