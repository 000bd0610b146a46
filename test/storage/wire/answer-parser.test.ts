import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AnswerParser, type WireAnswer } from '../../../storage/wire/answer-parser.ts';
import { isStorageError } from '../../../storage/errors.ts';

/** Lines of a message, each with the end that HTTP gives it. */
const lines = (...all: string[]) => all.map((line) => `${line}\r\n`).join('');

/** What one parser gives of these bytes, as they come in these pieces; `end`: then the connection ends. */
function parse(pieces: readonly Buffer[], { end = false } = {}): { answers: WireAnswer[]; isKeptAlive: boolean } {
  const parser = new AnswerParser();
  const answers: WireAnswer[] = [];
  // Bytes are read into one buffer, time after time.
  const buffer = Buffer.alloc(Math.max(1, ...pieces.map(({ length }) => length)));
  for (const piece of pieces) {
    piece.copy(buffer);
    const answer = parser.take(buffer.subarray(0, piece.length));
    if (answer !== undefined) answers.push(answer);
  }
  const last = end ? parser.end() : undefined;
  if (last !== undefined) answers.push(last);
  return { answers, isKeptAlive: parser.isKeptAlive };
}

const whole = (text: string, options?: { end?: boolean }) => parse([Buffer.from(text)], options);

function answerOf(text: string): WireAnswer | undefined {
  return whole(text).answers[0];
}

describe('answers of storage are read', () => {
  it('with their status, body and Retry-After, whatever else they say', () => {
    const text = lines('HTTP/1.1 503 Service Unavailable', 'Date: now', 'RETRY-AFTER:  7 ', 'content-length: 4', '');
    assert.deepEqual(whole(`${text}{"a"`), {
      answers: [{ status: 503, body: '{"a"', retryAfter: '7' }],
      isKeptAlive: true,
    });
  });

  it('as UTF-8, by their bytes', () => {
    const body = '{"name":"Grüße 🎉"}';
    const text = lines('HTTP/1.1 200 OK', `Content-Length: ${Buffer.byteLength(body)}`, '') + body;
    assert.equal(answerOf(text)?.body, body);
  });

  it('without a reason, or with one of several words', () => {
    assert.equal(answerOf(lines('HTTP/1.1 200 ', 'content-length: 0', ''))?.status, 200);
    assert.equal(answerOf(lines('HTTP/1.1 200', 'content-length: 0', ''))?.status, 200);
    assert.equal(answerOf(lines('HTTP/1.1 412 Precondition Failed', 'content-length: 0', ''))?.status, 412);
  });

  it('behind interim ones', () => {
    const interim = lines('HTTP/1.1 100 Continue', '') + lines('HTTP/1.1 103 Early Hints', 'link: x', '');
    const text = `${interim}${lines('HTTP/1.1 200 OK', 'content-length: 2', '')}{}`;
    assert.deepEqual(whole(text).answers, [{ status: 200, body: '{}', retryAfter: undefined }]);
  });

  it('that have no body', () => {
    for (const status of [204, 304]) {
      assert.deepEqual(answerOf(lines(`HTTP/1.1 ${status} X`, 'content-length: 5', '')), {
        ...{ status, body: '', retryAfter: undefined },
      });
    }
  });

  it('in chunks, with extensions and trailers', () => {
    const head = lines('HTTP/1.1 200 OK', 'Transfer-Encoding: Chunked', '');
    assert.deepEqual(whole(`${head}4;a=b\r\n{"a"\r\n3 \r\n:1}\r\n0\r\n\r\n`), {
      answers: [{ status: 200, body: '{"a":1}', retryAfter: undefined }],
      isKeptAlive: true,
    });
    assert.equal(answerOf(`${head}A\r\n0123456789\r\n0\r\nX-Trailer: 1\r\n\r\n`)?.body, '0123456789');
  });

  it('up to the end of the connection where nothing says how long they are', () => {
    const text = `${lines('HTTP/1.1 500 X', 'content-type: text/plain', '')}no reason`;
    assert.deepEqual(whole(text).answers, []);
    assert.deepEqual(whole(text, { end: true }), {
      answers: [{ status: 500, body: 'no reason', retryAfter: undefined }],
      isKeptAlive: false,
    });
  });

  it('as none where the connection ends before they are whole', () => {
    const text = lines('HTTP/1.1 200 OK', 'content-length: 10', '');
    for (const cut of [text.slice(0, 10), text, `${text}12345`]) {
      assert.deepEqual(whole(cut, { end: true }).answers, [], JSON.stringify(cut));
    }
  });

  it('one after the other', () => {
    const answer = (body: string) => Buffer.from(lines('HTTP/1.1 200 OK', `content-length: ${body.length}`, '') + body);
    const { answers } = parse([answer('one'), answer('three'), answer('')]);
    assert.deepEqual(
      answers.map(({ body }) => body),
      ['one', 'three', ''],
    );
  });

  describe('and leave the connection for another request', () => {
    for (const [title, text, isKeptAlive] of [
      ['where they say nothing about it', lines('HTTP/1.1 200 OK', 'content-length: 0', ''), true],
      [
        'but not where it is to be closed',
        lines('HTTP/1.1 200 OK', 'Connection: Close', 'content-length: 0', ''),
        false,
      ],
      ['but not by HTTP/1.0', lines('HTTP/1.0 200 OK', 'content-length: 0', ''), false],
      ['but not with something behind them', `${lines('HTTP/1.1 200 OK', 'content-length: 0', '')}HTTP`, false],
      [
        'but not with something behind their chunks',
        `${lines('HTTP/1.1 200 OK', 'transfer-encoding: chunked', '')}0\r\n\r\nHTTP`,
        false,
      ],
      [
        'but not with a length beside chunks',
        `${lines('HTTP/1.1 200 OK', 'content-length: 9', 'transfer-encoding: chunked', '')}0\r\n\r\n`,
        false,
      ],
    ] as const) {
      it(title, () => {
        const parsed = whole(text);
        assert.equal(parsed.answers.length, 1);
        assert.equal(parsed.isKeptAlive, isKeptAlive);
      });
    }
  });

  describe('as unavailable where they are', () => {
    const ok = (...fields: string[]) => lines('HTTP/1.1 200 OK', ...fields, '');
    for (const [title, text] of [
      ['no HTTP', 'SSH-2.0-OpenSSH_9.2\r\n\r\n'],
      ['of another version', lines('HTTP/2 200', '')],
      ['another protocol from now on', lines('HTTP/1.1 101 Switching Protocols', '')],
      ['of no length that is a number', ok('content-length: 1e3')],
      ['of a negative length', ok('content-length: -1')],
      ['of two lengths', ok('content-length: 1', 'content-length: 2')],
      ['too long', ok('content-length: 2000000')],
      ['encoded in an unknown way', ok('transfer-encoding: gzip, chunked')],
      ['in chunks without a size', `${ok('transfer-encoding: chunked')}\r\n`],
      ['in chunks of a negative size', `${ok('transfer-encoding: chunked')}-1\r\n`],
      ['in chunks that are longer than they say', `${ok('transfer-encoding: chunked')}2\r\n{}}\r\n0\r\n\r\n`],
      ['in chunks too long', `${ok('transfer-encoding: chunked')}fffffff\r\n`],
      ['all head', `HTTP/1.1 200 OK\r\n${'x: y\r\n'.repeat(20_000)}`],
    ] as const) {
      it(title, () => {
        assert.throws(
          () => whole(text),
          (error) => isStorageError(error, 'unavailable'),
        );
      });
    }

    it('endless', () => {
      const head = Buffer.from(lines('HTTP/1.1 200 OK', ''));
      const endless = [head, ...Array.from({ length: 40 }, () => Buffer.alloc(64 * 1024))];
      assert.throws(
        () => parse(endless),
        (error) => isStorageError(error, 'unavailable'),
      );
    });
  });

  it('the same in whatever pieces they come', () => {
    const field = fc.constantFrom('date: now', 'connection: keep-alive', 'retry-after: 3', 'x: \u00e9');
    const body = fc.oneof(fc.json(), fc.string({ unit: 'binary' }), fc.constant('HTTP/1.1 200 OK\r\n\r\n'));
    const message = fc
      .record({ status: fc.constantFrom(200, 404, 412, 503), fields: fc.array(field), body, size: fc.nat({ max: 9 }) })
      .map(({ status, fields, body: text, size }) => {
        const bytes = Buffer.from(text);
        const head = (length: string) => Buffer.from(lines(`HTTP/1.1 ${status} X`, ...fields, length, ''), 'latin1');
        if (size === 0) return { text, bytes: Buffer.concat([head(`content-length: ${bytes.length}`), bytes]) };
        const chunks: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += size) {
          const chunk = bytes.subarray(at, at + size);
          chunks.push(Buffer.from(`${chunk.length.toString(16)}\r\n`), chunk, Buffer.from('\r\n'));
        }
        return {
          text,
          bytes: Buffer.concat([head('transfer-encoding: chunked'), ...chunks, Buffer.from('0\r\n\r\n')]),
        };
      });
    fc.assert(
      fc.property(message, fc.array(fc.nat({ max: 40 })), ({ text, bytes }, cuts) => {
        const pieces: Buffer[] = [];
        let rest = bytes;
        for (const cut of cuts) {
          pieces.push(rest.subarray(0, cut));
          rest = rest.subarray(cut);
        }
        pieces.push(rest);
        const parsed = parse(pieces.filter(({ length }) => length > 0));
        assert.deepEqual(parsed, parse([bytes]));
        assert.equal(parsed.answers[0]?.body, bytes.length === 0 ? undefined : Buffer.from(text).toString());
        assert.equal(parsed.isKeptAlive, true);
      }),
    );
  });
});
