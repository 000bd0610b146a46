/**
 * Nobody can be told from this request: it carried no bearer token (`missing`) or one that is not valid. The message
 * says why, for the log, and never holds any part of the token.
 */
export class AuthenticationError extends Error {
  override readonly name = 'AuthenticationError';
  readonly problem: 'missing' | 'invalid';

  constructor(problem: 'missing' | 'invalid', message: string) {
    super(message);
    this.problem = problem;
  }
}
