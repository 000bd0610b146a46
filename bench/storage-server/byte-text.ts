/**
 * Names are kept as byte texts: strings with one character for each byte of their UTF-8 form. They take a byte a
 * character, and JavaScript's own order of them is that of the bytes, which is the order of Cloud Storage's listings.
 */

/** The byte text of a string. */
export function toByteText(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

const PERCENT = 0x25;

/** The byte text of something percent-encoded; in a query, `+` stands for a space. */
export function decodePercent(text: string, options: { inQuery?: boolean } = {}): string {
  const encoded = options.inQuery === true && text.includes('+') ? text.replaceAll('+', ' ') : text;
  let from = encoded.indexOf('%');
  if (from < 0) return encoded;
  let decoded = encoded.slice(0, from);
  while (from < encoded.length) {
    if (encoded.charCodeAt(from) === PERCENT) {
      decoded += String.fromCharCode(Number.parseInt(encoded.slice(from + 1, from + 3), 16));
      from += 3;
    }
    const next = encoded.indexOf('%', from);
    decoded += encoded.slice(from, next < 0 ? undefined : next);
    from = next < 0 ? encoded.length : next;
  }
  return decoded;
}
