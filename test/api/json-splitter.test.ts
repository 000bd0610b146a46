import assert from 'node:assert/strict';
import { JsonError, JsonSplitter, parseText, type JsonPart } from '../../api/body/json-splitter.ts';

/** The parts of a text that comes in chunks of this many bytes. */
function split(text: string | Uint8Array, chunkBytes: number, maxPartBytes = 1_000): JsonPart[] {
  const bytes = Buffer.from(text);
  const splitter = new JsonSplitter({ list: 'list', maxPartBytes });
  const parts: JsonPart[] = [];
  for (let at = 0; at < bytes.length; at += chunkBytes) {
    parts.push(...splitter.push(bytes.subarray(at, at + chunkBytes)));
  }
  splitter.finish();
  return parts;
}

/** The object that the parts make, the way JSON.parse makes it. */
function join(parts: JsonPart[]): unknown {
  const object: Record<string, unknown> = {};
  for (const part of parts) {
    if (part.kind === 'list') object['list'] = [];
    else {
      const value = parseText(part.text ?? 'null');
      if (part.kind === 'element') (object['list'] as unknown[]).push(value);
      else Object.defineProperty(object, part.name, { value, enumerable: true, configurable: true, writable: true });
    }
  }
  return object;
}

describe('taking a JSON object apart', () => {
  const texts = [
    '{}',
    ' \n{ \t} \r\n',
    '{"list":[]}',
    '{"list": [ ] , "a" : 1 }',
    '{"list":[1,2,3]}',
    '{"list":["a,b]}","\\"]","\\\\",{"x":"}"},[[],{}],null,true,-1.5e3,""]}',
    '{"a":"x","list":[{"list":[1]}],"b":{"c":[{"d":"]"}]},"e":null}',
    '{"list":"text"}',
    '{"list":{"0":1}}',
    '{"__proto__":{"x":1},"constructor":[],"list":[{"__proto__":1}]}',
    '{"grün 🟩 \\ud83d\\ude00":"\\u00e9 é","list":["🟩","\\""]}',
    '\ufeff{"list":[1]}',
  ];
  for (const text of texts) {
    it(`gives the parts of ${JSON.stringify(text)}, wherever its chunks end`, () => {
      const whole = JSON.parse(text.replace('\ufeff', '')) as object;
      for (const chunkBytes of [1, 2, 3, 5, 7, 1_000]) {
        const joined = join(split(text, chunkBytes)) as object;
        assert.equal(JSON.stringify(joined), JSON.stringify(whole));
      }
    });
  }

  const broken = [
    '',
    ' ',
    '[]',
    '"a"',
    '1',
    '{',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '{"a":1,}',
    '{,}',
    '{"a" 1}',
    '{"a"::1}',
    '{"a":,}',
    '{a:1}',
    '{"a":1}}',
    '{"a":1} x',
    '{"a":1}{"a":1}',
    '{"list":[',
    '{"list":[1',
    '{"list":[1,]}',
    '{"list":[,1]}',
    '{"list":[1 2]}',
    '{"list":[1}]',
    '{"list":[1]]}',
    '{"list":[tru]}',
    '{"list":[{]}]}',
    '{"list":[[}]}',
    '{"list":["\n"]}',
    '{"list":["\\x"]}',
    '{"list":[01]}',
    '{"list":[1:2]}',
    "{'a':1}",
    '{"a":undefined}',
    '\u00e9{}',
  ];
  for (const text of broken) {
    it(`finds that ${JSON.stringify(text)} is no object, as JSON.parse does`, () => {
      for (const chunkBytes of [1, 3, 1_000]) {
        assert.throws(() => join(split(text, chunkBytes)), JsonError);
      }
    });
  }

  it('agrees with JSON.parse about every text that is one character away from JSON', () => {
    const text = '{"a":[1,{"b":"c\\n"}],"list":[{"d":"e"},"f",-2],"g":null}';
    for (let at = 0; at <= text.length; at += 1) {
      for (const character of ['', '{', '}', '[', ']', ',', ':', '"', '\\', ' ', '0', 'x']) {
        for (const cut of [0, 1]) {
          const changed = text.slice(0, at) + character + text.slice(at + cut);
          let expected: unknown;
          try {
            expected = JSON.parse(changed);
          } catch {
            expected = undefined;
          }
          if (expected === undefined) assert.throws(() => join(split(changed, 4)), JsonError, changed);
          else if (typeof expected === 'object' && !/"list".*"list"/.test(changed)) {
            assert.deepEqual(join(split(changed, 4)), expected, changed);
          }
        }
      }
    }
  });

  it('finds bytes that are not UTF-8', () => {
    const bytes = Buffer.concat([Buffer.from('{"list":["'), Buffer.from([0xff]), Buffer.from('"]}')]);
    assert.throws(() => split(bytes, 4), /must be UTF-8/);
  });

  it('skips a part that is too long, and goes on behind it', () => {
    const long = JSON.stringify({ x: 'y'.repeat(200) });
    assert.deepEqual(split(`{"a":${long},"list":[1,${long},2],"b":3}`, 7, 100), [
      { kind: 'field', name: 'a', text: undefined },
      { kind: 'list' },
      { kind: 'element', text: '1' },
      { kind: 'element', text: undefined },
      { kind: 'element', text: '2' },
      { kind: 'field', name: 'b', text: '3' },
    ]);
    assert.throws(() => split(`{"${'n'.repeat(200)}":1}`, 7, 100), JsonError);
  });

  it('follows deep nesting without falling', () => {
    const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
    assert.deepEqual(split(`{"list":[${deep}]}`, 1_000, 100), [{ kind: 'list' }, { kind: 'element', text: undefined }]);
  });
});
