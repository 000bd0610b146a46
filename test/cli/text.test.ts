import assert from 'node:assert/strict';
import { bytesText, durationText, filesText, printable, shortened, table, timeText } from '../../cli/text.ts';

describe('texts for people', () => {
  it('give amounts of bytes in thousands', () => {
    const amounts = [0, 1, 999, 1_000, 1_049, 999_949, 999_990, 1_000_000, 1.5e9, 2e12, 3e15, 4e18];
    assert.deepEqual(amounts.map(bytesText), [
      ...['0 B', '1 B', '999 B', '1.0 kB', '1.0 kB', '999.9 kB', '1.0 MB', '1.0 MB', '1.5 GB', '2.0 TB', '3.0 PB'],
      '4000.0 PB',
    ]);
  });

  it('give lengths of time, finer where they are short', () => {
    const lengths = [-5, 0, 640, 9_949, 9_950, 59_499, 59_500, 60_000, 185_000, 3_599_600, 3_723_000, 360_000_000];
    assert.deepEqual(lengths.map(durationText), [
      ...['0.0 s', '0.0 s', '0.6 s', '9.9 s', '10 s', '59 s', '1:00', '1:00', '3:05', '1:00:00', '1:02:03'],
      '100:00:00',
    ]);
  });

  it('count files', () => {
    assert.deepEqual([0, 1, 2, 1_234_567].map(filesText), ['0 files', '1 file', '2 files', '1,234,567 files']);
  });

  it('give times in UTC', () => {
    assert.equal(timeText(Date.parse('2026-03-02T10:15:00.999+01:00')), '2026-03-02 09:15:00');
    assert.equal(timeText(NaN), '');
  });

  it('show what would make a terminal obey, and leave all other names as they are', () => {
    assert.equal(
      printable('a\u001b[2Jb\u0007\r\n\u009b31m\u202e\ud800'),
      'a\\u{1b}[2Jb\\u{7}\\u{d}\\u{a}\\u{9b}31m\\u{202e}\\u{d800}',
    );
    for (const name of ['été 2026/à.txt', '写真/一.jpg', '😀👩‍👩‍👧', '-x', 'a  b', 'ع'])
      assert.equal(printable(name), name);
  });

  it('are shortened to columns of the terminal, of which some letters take two', () => {
    const shortenings: [text: string, columns: number, shown: string][] = [
      ['abcdef', 6, 'abcdef'],
      ['abcdef', 5, 'abcd…'],
      ['写真写真', 8, '写真写真'],
      ['写真写真', 6, '写真…'],
      ['a😀b', 3, 'a…'],
      ['abc', 1, '…'],
    ];
    for (const [text, columns, shown] of shortenings) assert.equal(shortened(text, columns), shown);
  });

  it('align columns, but for the last one', () => {
    assert.deepEqual(
      table([
        ['id', 'state', 'x'],
        ['é', 'Completed', 'long text'],
        ['abc', 'A', ''],
      ]),
      ['id   state      x', 'é    Completed  long text', 'abc  A'],
    );
  });
});
