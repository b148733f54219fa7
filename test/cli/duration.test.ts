/** Durations as they are typed and shown. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { durationParser, formatDuration } from '../../src/cli/duration.ts';

const parse = durationParser({ least: 0, most: 1e9 });

describe('a duration', () => {
  test('is shown in the largest unit that it is a whole number of, as it can be typed', () => {
    const shown = ['0s', '1s', '59s', '1m', '90s', '61m', '1h', '25h', '1d', '3650d'];
    assert.deepEqual(
      shown.map((text) => formatDuration(parse(text))),
      shown,
    );
    assert.deepEqual(['60s', '120m', '48h', '0d'].map(parse).map(formatDuration), ['1m', '2h', '2d', '0s']);
  });

  test('is refused beyond its bounds, which are within, and in any other form', () => {
    const bounded = durationParser({ least: 60, most: 3600 });
    assert.deepEqual(['60s', '1m', '60m', '1h'].map(bounded), [60, 60, 3600, 3600]);
    for (const text of ['59s', '61m', '', 's', '60', '1 m', '1w', '-1h', '1e1m', '1m30s', '9'.repeat(400) + 's'])
      assert.throws(() => bounded(text), /Expected a duration from 1m to 1h/, text);
  });
});
