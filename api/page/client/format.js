/** Numbers, times and reasons as people read them. */

const numbers = new Intl.NumberFormat('en');
const rates = new Intl.NumberFormat('en', { maximumSignificantDigits: 2 });
const times = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

const UNITS = ['B', 'kB', 'MB', 'GB', 'TB', 'PB'];

/** @param {number} value */
export function count(value) {
  return numbers.format(value);
}

/**
 * @param {number} value
 * @param {string} one
 * @param {string} [many]
 */
export function counted(value, one, many = `${one}s`) {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** @param {number} bytes */
export function size(bytes) {
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1_000;
    unit += 1;
  }
  return `${unit === 0 ? value : value.toPrecision(3)} ${UNITS[unit] ?? ''}`;
}

/** @param {number} perSecond */
export function rate(perSecond) {
  return `${perSecond >= 100 ? count(Math.round(perSecond)) : rates.format(perSecond)} files/s`;
}

/** To the nearest second, minute, hour or day; never to none. @param {number} seconds */
export function duration(seconds) {
  if (seconds < 1) return 'less than a second';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.round(minutes / 60);
  return hours < 48 ? `${hours} h` : `${Math.round(hours / 24)} days`;
}

/** @param {string} iso */
export function time(iso) {
  return times.format(new Date(iso));
}

/** Control characters, marks that turn the direction of writing, and what takes no room: all that makes a name look like another. */
const HIDDEN = /[\p{Cc}\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu;

/** A name, or words that hold one, with what would not be seen written out, as the command line does. @param {string} text */
export function printable(text) {
  return text.replaceAll(HIDDEN, (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`);
}

/** The most characters of a name that stands in a sentence. */
const NAME_LENGTH = 60;

/** A name as a sentence has room for it: of a long one, how it begins and ends. @param {string} name */
export function shortName(name) {
  const characters = Array.from(name);
  if (characters.length <= NAME_LENGTH) return name;
  const half = NAME_LENGTH / 2;
  return `${characters.slice(0, half).join('')}…${characters.slice(1 - half).join('')}`;
}

/** `CompletedWithErrors` as `Completed with errors`. @param {string} state */
export function stateWords(state) {
  const words = state.replace(/(?<=[a-z])(?=[A-Z])/g, ' ').toLowerCase();
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/**
 * A reason, `CODE: sentence`, in words: what the code means, and what happened in particular.
 * @param {string} message
 * @returns {{ code: string, meaning: string, sentence: string }}
 */
export function reasonWords(message) {
  const [, code = '', sentence = message] = /^([A-Z_]+): ([^]*)$/.exec(message) ?? [];
  /** @type {Record<string, string>} */
  const meanings = JSON.parse(document.body.dataset['reasons'] ?? '{}');
  return { code, meaning: Object.hasOwn(meanings, code) ? (meanings[code] ?? '') : '', sentence };
}
