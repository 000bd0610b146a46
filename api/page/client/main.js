import { ApiError } from './api.js';
import { showCopyForm } from './copy-form.js';
import { find, setText, showProblem } from './dom.js';
import { forgetRequests } from './dry-runs.js';
import { JobPage } from './job-view.js';
import { showJobs } from './jobs-view.js';
import { forgetToken, keepToken, takeTokenFromAddress, token, tokenOwner } from './token.js';

/** The operator page: which of its views is shown is what stands behind the # of the address. */

const VIEWS = ['sign-in', 'jobs', 'job', 'copy'];

const TITLES = new Map([
  ['sign-in', 'Sign in'],
  ['jobs', 'Jobs'],
  ['job', 'Job'],
  ['copy', 'New copy'],
]);

/** Aborted when another view is shown. */
let view = new AbortController();

/** @param {string} name */
function open(name) {
  view.abort();
  view = new AbortController();
  for (const other of VIEWS) find(other, HTMLElement).hidden = other !== name;
  for (const link of document.querySelectorAll('nav a[data-view]')) {
    if (link.getAttribute('data-view') === name) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  document.title = `${TITLES.get(name) ?? ''} · Apollo file copy`;
  find('signed-in', HTMLElement).hidden = name === 'sign-in';
  setText(find('owner', HTMLElement), tokenOwner());
}

/** A token that is not accepted is of no use. @param {unknown} error */
function onError(error) {
  if (!(error instanceof ApiError) || error.status !== 401) return;
  forgetToken();
  route();
  showProblem(find('sign-in-problem', HTMLElement), error);
}

/** Shows the view that the address asks for. */
function route() {
  if (token() === undefined) {
    open('sign-in');
    return;
  }
  const [, id] = /^#\/jobs\/([\w-]+)$/.exec(location.hash) ?? [];
  if (id !== undefined) {
    open('job');
    void new JobPage(id, view.signal, onError).follow();
  } else if (location.hash === '#/new') {
    open('copy');
    void showCopyForm(view.signal, onError);
  } else {
    open('jobs');
    void showJobs(view.signal, onError);
  }
}

/** After a change of view the keyboard and the screen reader start at its heading. */
function goToHeading() {
  const heading = document.querySelector('main > section:not([hidden]) h1');
  if (heading instanceof HTMLElement) heading.focus();
  window.scrollTo(0, 0);
}

function start() {
  takeTokenFromAddress();
  const input = find('token', HTMLInputElement);
  find('sign-in-form', HTMLFormElement).addEventListener('submit', (event) => {
    event.preventDefault();
    keepToken(input.value);
    input.value = '';
    showProblem(find('sign-in-problem', HTMLElement), undefined);
    route();
    goToHeading();
  });
  find('sign-out', HTMLButtonElement).addEventListener('click', () => {
    forgetToken();
    forgetRequests();
    route();
    goToHeading();
  });
  window.addEventListener('hashchange', () => {
    takeTokenFromAddress();
    route();
    goToHeading();
  });
  route();
}

start();
