/**
 * The one way in which this page makes elements: attributes and text, never markup. Whatever a file is named, it is text.
 */

/**
 * Makes an element.
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} attributes
 * @param {(Node | string)[]} children strings become text
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

/**
 * The element of the page that has this id. Throws where there is none, or one of another kind.
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 * @returns {Kind}
 */
export function find(id, kind) {
  const element = document.getElementById(id);
  if (element instanceof kind) return element;
  throw new Error(`The page has no #${id} of that kind`);
}

/**
 * Sets an element's text where it has another one, so that what did not change is not read out again.
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Shows a problem, or hides the place for problems.
 * @param {HTMLElement} place
 * @param {unknown} problem an error, or words; undefined: there is none any more
 */
export function showProblem(place, problem) {
  place.hidden = problem === undefined;
  const words = problem instanceof Error ? problem.message : problem;
  setText(place, typeof words === 'string' ? words : '');
}

/**
 * Has a screen reader say this.
 * @param {string} text
 */
export function announce(text) {
  setText(find('announcer', HTMLElement), text);
}
