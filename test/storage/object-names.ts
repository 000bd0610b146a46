/** Names that Cloud Storage allows and that are easily broken on the way there: title and name. */
export const AWKWARD_NAMES: readonly (readonly [title: string, name: string])[] = [
  ['slashes', 'a/b/c.txt'],
  ['empty segments', 'a//b'],
  ['a slash at the end', 'folder/'],
  ['a slash in front', '/a'],
  ['the signs of a URL', 'a#b?c=d&e;f+g%h'],
  ['what looks percent-encoded', '%2F%41%'],
  ['spaces', ' a  b '],
  ['quotes and brackets', `"'<>[]{}|\\^\``],
  ['three dots and more', '...'],
  ['composed Unicode (NFC)', 'caf\u00e9.txt'],
  ['decomposed Unicode (NFD)', 'cafe\u0301.txt'],
  ['an emoji', '🗂️/👩‍🚀.txt'],
  ['right-to-left text', 'ملف.txt'],
  ['a control character', 'bell\u0007'],
  ['1,024 bytes of ASCII', 'x'.repeat(1_024)],
  ['1,024 bytes of Unicode', '🗂'.repeat(256)],
];
