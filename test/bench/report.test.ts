/** The arithmetic and the table of `npm run bench`. What it measures is never a test. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { bar, formatRows, toRows, type Series } from '../../bench/tunnel/report.ts';
import { median, pairedRatio } from '../../bench/tunnel/statistics.ts';

const series = (contender: string, values: number[]): Series => ({
  scenario: 'tcp-1',
  figure: 'tcp-1',
  unit: 'Gbit/s',
  better: 'higher',
  contender,
  values,
});

test('the median is the middle value, or the mean of the two in the middle', () => {
  assert.equal(median([9, 1, 5]), 5);
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

test('a ratio is the median of the ratios of each round, so a round in which the machine was busy does not count', () => {
  assert.equal(pairedRatio([4, 2, 6], [2, 1, 3]), 2);
  assert.equal(pairedRatio([4, 0.4, 4], [2, 0.2, 1]), 2);
  assert.equal(pairedRatio([4, 8], [2]), 2, 'a round that one of the two did not finish');
});

test('every contender has a ratio to the reference, which has none', () => {
  const rows = toRows([series('node', [3, 6]), series('wireguard-go', [1, 2])], 'wireguard-go');
  assert.deepEqual(
    rows.map(({ contender, ratio, median: middle, min, max }) => ({ contender, ratio, middle, min, max })),
    [
      { contender: 'node', ratio: 3, middle: 4.5, min: 3, max: 6 },
      { contender: 'wireguard-go', ratio: undefined, middle: 1.5, min: 1, max: 2 },
    ],
  );
});

test('bars are in proportion, to an eighth of a character', () => {
  assert.equal(bar(1).length, 24);
  assert.equal(bar(0.5), '█'.repeat(12));
  assert.equal(bar(1 / 24 + 1 / 48), '█▌');
  assert.equal(bar(0), '');
  assert.equal(bar(Number.NaN), '');
});

test('a table has a group for each figure and a line for each contender, without bars in a pipe', () => {
  const rows = toRows([series('node', [4]), series('wireguard-go', [2])], 'wireguard-go');
  assert.equal(
    formatRows(rows, { bars: false }),
    ['tcp-1, Gbit/s (higher is better)', '  node               4.00   2.00x', '  wireguard-go       2.00', ''].join(
      '\n',
    ),
  );
  assert.match(formatRows(rows, { bars: true }), /node .* █{24}\n.*wireguard-go .* █{12}\n/);
});
