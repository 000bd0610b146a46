import { html } from 'hono/html';
import { ON_LOCKED_MODES, OVERWRITE_MODES } from '../../contract/messages.ts';

const OVERWRITE_WORDS: Readonly<Record<(typeof OVERWRITE_MODES)[number], string>> = {
  always: 'Replace it',
  never: 'Leave it, skip the file',
  ifDifferent: 'Replace it if its content differs',
};

const ON_LOCKED_WORDS: Readonly<Record<(typeof ON_LOCKED_MODES)[number], string>> = {
  reject: 'Refuse the whole job',
  wait: 'Wait, for up to an hour',
  skip: 'Do without the file',
};

/** The form that starts a copy. */
export const copySection = html`<section id="copy" hidden>
  <h1 tabindex="-1">New copy</h1>
  <p id="copy-problem" class="problem" role="alert" tabindex="-1" hidden></p>
  <ul id="copy-mistakes" class="mistakes"></ul>
  <form id="copy-form" class="card">
    <div class="pair">
      <div class="field">
        <label for="copy-source" id="copy-source-label">From collection</label>
        <select id="copy-source" name="source" required></select>
      </div>
      <div class="field" id="copy-destination-field">
        <label for="copy-destination">To collection</label>
        <select id="copy-destination" name="destination" required></select>
      </div>
    </div>
    <fieldset>
      <legend>What to copy</legend>
      <label class="choice"
        ><input type="radio" name="what" value="files" id="what-files" checked />Files by name</label
      >
      <label class="choice"
        ><input type="radio" name="what" value="prefix" id="what-prefix" />Everything under a prefix</label
      >
      <label class="choice"
        ><input type="radio" name="what" value="manifest" id="what-manifest" />What a manifest lists</label
      >
      <div class="field" id="copy-files-field">
        <label for="copy-files">File names, one on each line</label>
        <textarea id="copy-files" name="files" rows="6" spellcheck="false" required></textarea>
      </div>
      <div class="field" id="copy-prefix-field" hidden>
        <label for="copy-prefix">Prefix</label>
        <input id="copy-prefix" name="prefix" spellcheck="false" autocomplete="off" aria-describedby="prefix-hint" />
        <p id="prefix-hint" class="muted">Such as <code>2026/03/</code>. Empty: the whole collection.</p>
      </div>
      <div class="field" id="copy-manifest-field" hidden>
        <label for="copy-manifest">File name of the manifest</label>
        <input
          id="copy-manifest"
          name="manifest"
          spellcheck="false"
          autocomplete="off"
          aria-describedby="manifest-hint"
        />
        <p id="manifest-hint" class="muted">
          Such as <code>list.ndjson</code> or <code>list.csv.gz</code>: each of its lines names a file and the
          collections that it is copied from and to.
        </p>
      </div>
    </fieldset>
    <div class="pair">
      <div class="field">
        <label for="copy-overwrite">Where a file is there already</label>
        <select id="copy-overwrite" name="overwrite">
          ${OVERWRITE_MODES.map((mode) => html`<option value="${mode}">${OVERWRITE_WORDS[mode]}</option>`)}
        </select>
      </div>
      <div class="field">
        <label for="copy-locked">Where a file is locked</label>
        <select id="copy-locked" name="onLocked">
          ${ON_LOCKED_MODES.map((mode) => html`<option value="${mode}">${ON_LOCKED_WORDS[mode]}</option>`)}
        </select>
      </div>
    </div>
    <label class="choice"
      ><input type="checkbox" id="copy-dry-run" aria-describedby="dry-run-hint" checked />Dry run first: say what would
      happen, copy nothing</label
    >
    <p id="dry-run-hint" class="muted">
      A dry run takes no locks and looks at none: the copy itself may still find a file locked.
    </p>
    <button type="submit" id="copy-submit" class="primary">Start dry run</button>
  </form>
</section>`;
