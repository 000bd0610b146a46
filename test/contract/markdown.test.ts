import assert from 'node:assert/strict';
import { asMarkdown } from '../../contract/markdown.ts';

describe('a text in Markdown', () => {
  for (const [what, text, expected] of [
    ['emphasis', '*a* and **b**', '\\*a\\* and \\*\\*b\\*\\*'],
    ['underscores around a word', '_a_ and __b__', '\\_a\\_ and \\_\\_b\\_\\_'],
    ['a link', '[approve](https://evil.example/)', '\\[approve\\](https\\://evil.example/)'],
    ['an address', 'HTTP://a.example www.b.example a@c.example', 'HTTP\\://a.example www\\.b.example a\\@c.example'],
    ['HTML', '<b>&amp;</b>', '\\<b\\>\\&amp;\\</b\\>'],
    ['code, a table and an escape', '`a` | ~~b~~ \\*', '\\`a\\` \\| \\~\\~b\\~\\~ \\\\\\*'],
  ] as const) {
    it(`is no markup: ${what}`, () => {
      assert.equal(asMarkdown(text), expected);
    });
  }

  it('stays readable as it is, as names usually are', () => {
    const text = '2 files example-collection_a → b: 2026/03 (copy) #1/my_file.name-2.jpg, in gs://bucket/x! 50%';
    assert.equal(asMarkdown(text), text);
  });
});
