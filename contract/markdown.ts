/** What Markdown would take for something else than a character, wherever it stands in a line. */
const MARKUP = /[\\`*[\]<>&|~@]|(?<![^\W_])_|_(?![^\W_])|(?<=\b(?:https?|ftp|mailto|xmpp)):|(?<=\bwww)\./gi;

/**
 * A text to be shown as it is where Markdown is expected, as Temporal's Web UI does of a workflow's summary and details:
 * names are the callers' own, and are to be neither markup nor links there. (GitHub Flavored Markdown, sections 2.4,
 * 6 and 6.9.)
 */
export function asMarkdown(text: string): string {
  return text.replaceAll(MARKUP, '\\$&');
}
