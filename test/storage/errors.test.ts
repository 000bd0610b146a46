import assert from 'node:assert/strict';
import {
  connectionError,
  isStorageError,
  responseError,
  StorageError,
  type StorageErrorKind,
} from '../../storage/errors.ts';

/** What servers answer and how connections end is in error-cases.ts; here is what none of ours sends. */
describe('storage errors', () => {
  const bodies: [title: string, body: string, message: string][] = [
    ['what storage says', '{"error": {"code": 403, "message": "no", "errors": []}}', '403: no'],
    ['a page', '<html>no</html>', '403: <html>no</html>'],
    ['nothing', '', '403: no reason given'],
    ['JSON of another kind', 'null', '403: null'],
    ['an error of another kind', '{"error": "no"}', '403: {"error": "no"}'],
    ['reasons of another kind', '{"error": {"message": 7, "errors": [null, {}, "a"]}}', '403: {"error"'],
  ];
  for (const [title, body, message] of bodies) {
    it(`are told from ${title}`, () => {
      const error = responseError(403, body, undefined);
      assert.equal(error.kind, 'forbidden');
      assert.equal(error.status, 403);
      assert.ok(error.message.startsWith(message), error.message);
    });
  }

  it('do not repeat a long page', () => {
    assert.ok(responseError(502, 'x'.repeat(100_000), undefined).message.length < 300);
  });

  it('take 304 for a precondition that does not hold', () => {
    assert.equal(responseError(304, '', undefined).kind, 'preconditionFailed');
  });

  for (const code of [
    'ECONNREFUSED',
    'ECONNRESET',
    'ENOTFOUND',
    'EPIPE',
    'UND_ERR_SOCKET',
    'UND_ERR_HEADERS_TIMEOUT',
  ]) {
    it(`take ${code} for a connection that failed`, () => {
      const thrown = Object.assign(new Error('no'), { code });
      const error = connectionError(thrown);
      assert.ok(isStorageError(error, 'unavailable'));
      assert.equal(error.cause, thrown);
      assert.equal(error.status, undefined);
    });
  }

  it('are not made of defects', () => {
    for (const thrown of [new TypeError('x is undefined'), new Error('code?'), undefined, null, 'text', 7]) {
      assert.equal(connectionError(thrown), thrown);
    }
  });

  it('stay what they are', () => {
    const error = new StorageError('refused', 'no', { status: 400 });
    assert.equal(connectionError(error), error);
  });

  it('are worth another try where storage is slow or away, and only there', () => {
    const transient = {
      ...{ rateLimited: true, unavailable: true, notFound: false, preconditionFailed: false, retention: false },
      ...{ forbidden: false, requesterPays: false, refused: false, malformed: false },
    } satisfies Record<StorageErrorKind, boolean>;
    for (const [kind, expected] of Object.entries(transient)) {
      assert.equal(new StorageError(kind as StorageErrorKind, '').isTransient, expected, kind);
    }
  });

  it('are recognised by their kind', () => {
    const error = new StorageError('notFound', '');
    assert.ok(isStorageError(error));
    assert.ok(isStorageError(error, 'notFound'));
    assert.ok(!isStorageError(error, 'refused'));
    assert.ok(!isStorageError(new Error('notFound')));
  });
});
