import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { EXCLUSIONS, formatExclusions, isExcluded } from './exclusions.ts';
import { OURS } from './implementation.ts';

const DECISION = new URL('../../docs/decisions/0053-pairings.md', import.meta.url);

describe('what is excluded from the pairings', () => {
  it('is written down in docs/decisions/0053, and nothing else is', () => {
    const rows = readFileSync(DECISION, 'utf8')
      .split('\n')
      .filter((line) => line.startsWith('| '));
    assert.deepEqual(rows.slice(2), formatExclusions());
  });

  it('is never ours', () => {
    for (const one of OURS)
      for (const other of OURS)
        for (const test of EXCLUSIONS.flatMap(({ tests }) => tests)) assert.equal(isExcluded(test, one, other), false);
  });
});
