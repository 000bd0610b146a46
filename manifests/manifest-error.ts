/** The whole manifest cannot be read; the message says what is wrong with the file, without naming it. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError';
}
