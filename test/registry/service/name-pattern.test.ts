/** Patterns of host names: what they match, and that no pattern takes long. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { matchesPattern } from '../../../src/registry/service/name-pattern.ts';

test('a pattern matches as the regular expression with .* for each star does', () => {
  const text = (symbols: string[], maxLength: number) =>
    fc.array(fc.constantFrom(...symbols), { maxLength }).map((parts) => parts.join(''));
  const property = fc.property(text(['a', 'b', '-'], 8), text(['a', 'b', '-', '*'], 6), (name, pattern) => {
    assert.equal(matchesPattern(name, pattern), new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(name));
  });
  fc.assert(property, { numRuns: 3000 });
});
