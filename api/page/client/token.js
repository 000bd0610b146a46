/** The token: pasted once, kept for this tab only, in no cookie and in no address that a server sees. */

const KEY = 'apollo.token';

/** @returns {string | undefined} */
export function token() {
  return sessionStorage.getItem(KEY) ?? undefined;
}

/** @param {string} text with or without the word Bearer, or as `TOKEN=…`, as it is found on screens */
export function keepToken(text) {
  sessionStorage.setItem(KEY, text.trim().replace(/^(?:bearer\s+|TOKEN=)/i, ''));
}

export function forgetToken() {
  sessionStorage.removeItem(KEY);
}

/**
 * Takes the token that `npm run dev` puts behind the # of the address it prints, and takes it out of the address. Only on
 * this machine: elsewhere nobody is to be sent here with somebody else's token.
 */
export function takeTokenFromAddress() {
  const [, found] = /^#token=(.+)$/.exec(location.hash) ?? [];
  if (found === undefined) return;
  if (['127.0.0.1', 'localhost', '[::1]'].includes(location.hostname)) keepToken(found);
  history.replaceState(null, '', '#/');
}

/** Who the token is for, as it says itself; for the eye only. @returns {string} */
export function tokenOwner() {
  try {
    const [, claims = ''] = (token() ?? '').split('.');
    const bytes = Uint8Array.from(atob(claims.replaceAll('-', '+').replaceAll('_', '/')), (c) => c.charCodeAt(0));
    /** @type {{ sub?: unknown, client_id?: unknown }} */
    const { sub, client_id: clientId } = JSON.parse(new TextDecoder().decode(bytes));
    const name = sub ?? clientId;
    return typeof name === 'string' ? name : '';
  } catch {
    // Whether it is a token is for the service to say.
    return '';
  }
}
