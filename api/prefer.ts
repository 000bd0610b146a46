/** The longest a preference makes anyone wait, in seconds; more than that counts as that. */
export const MAX_WAIT_SECONDS = 60;

/** The members of a list, which commas separate, but for those in quoted strings (RFC 9110 section 5.6.1). */
const MEMBERS = /(?:[^",]|"(?:[^"\\]|\\.)*"?)+/g;

/** RFC 7240 section 2: a name, maybe a value, maybe parameters. */
const PREFERENCE = /^\s*([\w!#$%&'*+.^`|~-]+)\s*(?:=\s*([\w!#$%&'*+.^`|~-]+|"(?:[^"\\]|\\.)*")\s*)?(?:;.*)?$/;

/**
 * The seconds that a Prefer header (RFC 7240 section 4.3, `wait`) asks to wait; undefined where it does not, or does so
 * in a way that is to be ignored. Of several `wait`, the first counts.
 */
export function preferredWait(header: string | undefined): number | undefined {
  for (const member of header?.match(MEMBERS) ?? []) {
    const [, name = '', value = ''] = PREFERENCE.exec(member) ?? [];
    if (name.toLowerCase() !== 'wait') continue;
    const seconds = value.replace(/^"(.*)"$/, '$1');
    return /^\d+$/.test(seconds) ? Math.min(Number(seconds), MAX_WAIT_SECONDS) : undefined;
  }
  return undefined;
}
