import assert from 'node:assert/strict';
import { amount, broken, compared, limited, same, toCells, told } from '../../bench/rows.ts';

const FIGURE = { scenario: 'a copy', figure: 'files', value: 1_229, unit: '/s' };

describe("the benchmark's rows", () => {
  it('show numbers in three figures or more', () => {
    assert.equal(amount(1_228.6, '/s'), '1,229/s');
    assert.equal(amount(48.26, 'ms'), '48.3 ms');
    assert.equal(amount(1.0312, ''), '1.03');
    assert.equal(amount(0.0312, ''), '0.0312');
    assert.equal(amount(0, 'ms'), '0 ms');
  });

  it('hold a figure against a peer', () => {
    const peer = { name: 'rclone', value: 1_120 };
    const [row] = toCells([compared(FIGURE, peer, { atLeast: 1.03 })]);
    assert.deepEqual(row, ['a copy', 'files', '1,229/s', 'rclone 1,120/s', '1.10', '≥ 1.03', 'ok']);
    assert.equal(compared(FIGURE, peer, { atLeast: 1.1 }).isMet, false);
    assert.equal(compared(FIGURE, peer, { atMost: 1.1 }).isMet, true);
    assert.equal(compared(FIGURE, peer).isMet, undefined);
  });

  it('hold a figure against a limit of its own', () => {
    const row = limited({ ...FIGURE, unit: 'ms' }, { atMost: 1_000 });
    assert.deepEqual([row.ratio, row.bound, row.isMet], ['1.23', '≤ 1,000 ms', false]);
  });

  it('want counts to be equal', () => {
    assert.equal(same('a cancel', 'files', 412, 412).isMet, true);
    assert.equal(same('a cancel', 'files', 412, 413).isMet, false);
  });

  it('count what could not be measured as missed', () => {
    assert.equal(toCells([broken('a copy', 'POST answered 503')])[0]?.at(-1), 'MISSED');
  });

  it('name a scenario once', () => {
    const names = toCells([told(FIGURE), told(FIGURE), told({ ...FIGURE, scenario: 'another' })]).map(([name]) => name);
    assert.deepEqual(names, ['a copy', '', 'another']);
  });
});
