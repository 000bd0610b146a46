import assert from 'node:assert/strict';
import { preferredWait } from '../../api/prefer.ts';

describe('a Prefer header', () => {
  const cases: [header: string | undefined, seconds: number | undefined][] = [
    [undefined, undefined],
    ['', undefined],
    ['wait=10', 10],
    ['WAIT=10', 10],
    ['wait = 10', 10],
    ['wait="10"', 10],
    ['wait=0', 0],
    ['wait=007', 7],
    ['wait=60', 60],
    ['wait=61', 60],
    ['wait=99999999999999999999', 60],
    ['respond-async, wait=10', 10],
    ['wait=10; foo="a,b"; bar', 10],
    ['foo="a, wait=5 \\" , wait=6", wait=7', 7],
    ['wait=10, wait=20', 10],
    ['wait, wait=20', undefined],
    ['wait', undefined],
    ['wait=', undefined],
    ['wait=-1', undefined],
    ['wait=+1', undefined],
    ['wait=1.5', undefined],
    ['wait=1e1', undefined],
    ['wait=1 0', undefined],
    ['wait=ten', undefined],
    ['wait="10', undefined],
    ['=, ;x, wait=5', 5],
    ['waiting=5', undefined],
    ['handling=lenient; wait=5', undefined],
  ];
  for (const [header, seconds] of cases) {
    it(`${JSON.stringify(header)} asks to wait ${seconds === undefined ? 'in no way that counts' : `${seconds} s`}`, () => {
      assert.equal(preferredWait(header), seconds);
    });
  }

  it('is read in linear time, however long', () => {
    const startedAt = performance.now();
    for (const header of ['"'.repeat(200_000), `wait=${' '.repeat(200_000)}x`, `${'\\"'.repeat(100_000)},wait=1`]) {
      preferredWait(header);
    }
    // It takes milliseconds; in quadratic time it would take a minute.
    assert.ok(performance.now() - startedAt < 5_000);
  });
});
