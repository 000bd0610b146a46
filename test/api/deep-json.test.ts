import assert from 'node:assert/strict';
import { assertAnswer, copyBody, ENTRY, setUp } from './support.ts';

const nested = (depth: number) => `${'['.repeat(depth)}${']'.repeat(depth)}`;
const nestedObjects = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;

/** A body with this JSON text in place of the value at a field. */
const WITH: Record<string, (text: string) => string> = {
  'the body': (text) => text,
  'the list': (text) => `{"copyFileCollectionData": ${text}}`,
  'an entry': (text) => `{"copyFileCollectionData": [${JSON.stringify(ENTRY)}, ${text}]}`,
  'a field of an entry': (text) => `{"copyFileCollectionData": [{"fileName": ${text}}]}`,
  'an unknown field of an entry': (text) => `{"copyFileCollectionData": [{"a": ${text}}]}`,
  'the options': (text) => JSON.stringify(copyBody(1)).replace(/}$/, `, "options": ${text}}`),
  'an unknown field': (text) => JSON.stringify(copyBody(1)).replace(/}$/, `, "a": ${text}}`),
  'a manifest': (text) => `{"manifest": ${text}}`,
};

describe('JSON that is nested', () => {
  // Below and above what is parsed in one piece.
  for (const depth of [50_000, 2_000_000]) {
    for (const [where, body] of Object.entries(WITH)) {
      for (const [of, text] of [
        ['lists', nested(depth)],
        ['objects', nestedObjects(depth)],
      ] as const) {
        it(`${depth} ${of} deep is a mistake like any other in ${where}`, async () => {
          const { post, calls } = setUp();
          const data = await assertAnswer(await post('/apollo/files/copy', body(text)), 400);
          const { Errors: errors } = data as { Errors: { path: string; message: string }[] };
          assert.ok(errors.length >= 1 && errors.length <= 10);
          assert.ok(JSON.stringify(errors).length < 10_000, 'it is not told back');
          assert.deepEqual(calls, []);
        });
      }
    }
  }

  it('with its end missing is a mistake, too', async () => {
    for (const depth of [50_000, 2_000_000]) {
      const { post, calls } = setUp();
      await assertAnswer(await post('/apollo/files/copy', `{"copyFileCollectionData": [${'['.repeat(depth)}`), 400);
      assert.deepEqual(calls, []);
    }
  });
});
