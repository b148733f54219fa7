/** Which endpoint of a host another one hears of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { endpointFor } from '../../../src/registry/service/endpoints.ts';

const NOTHING = {
  endpoint: null,
  observedEndpoint: null,
  observedAt: null,
  otherEndpoint: null,
  otherObservedAt: null,
};
const V4 = '198.51.100.20:1000';
const V6 = '[2001:db8::7]:2000';
const seen = (first: string, at: number, other: string, otherAt: number) => {
  return { ...NOTHING, observedEndpoint: first, observedAt: at, otherEndpoint: other, otherObservedAt: otherAt };
};
/** Seen at IPv4 first and last. */
const HOST = seen(V4, 9, V6, 5);

test('what a host says of itself goes before all that was seen, a name as it was said', () => {
  assert.equal(endpointFor(NOTHING, { ...HOST, endpoint: 'dolores.example.net:51000' }), 'dolores.example.net:51000');
  assert.equal(endpointFor(NOTHING, NOTHING), null);
});

test('a family that the viewer has goes before the other, however the viewer is known to have it', () => {
  for (const viewer of [
    { ...NOTHING, endpoint: '[2001:db8::1]:51000' },
    { ...NOTHING, observedEndpoint: '[2001:db8::1]:51000', observedAt: 1 },
  ])
    assert.equal(endpointFor(viewer, HOST), V6);
  assert.equal(endpointFor({ ...NOTHING, endpoint: '203.0.113.1:51000' }, seen(V6, 9, V4, 5)), V4);
});

test('a viewer of both families, or of none that is known, hears what was seen last', () => {
  for (const viewer of [
    NOTHING,
    { ...NOTHING, endpoint: 'dolores.example.net:1' },
    seen('192.0.2.1:1', 1, '[2001:db8::1]:1', 1),
  ]) {
    assert.equal(endpointFor(viewer, HOST), V4);
    assert.equal(endpointFor(viewer, seen(V4, 5, V6, 9)), V6);
  }
});

test('an address of a local network stands back behind one of the Internet', () => {
  assert.equal(endpointFor(NOTHING, seen('192.168.1.2:1', 9, V6, 5)), V6);
  assert.equal(
    endpointFor({ ...NOTHING, endpoint: '203.0.113.1:1' }, seen('192.168.1.2:1', 9, V6, 5)),
    '192.168.1.2:1',
  );
});

test('the answer is one of what is known, whatever stands in the rows', () => {
  const text = fc.oneof(fc.constantFrom(V4, V6, '192.168.1.2:1', 'x', '[', ':1', '[::]:0'), fc.string());
  const row = fc.record({
    endpoint: fc.constant(null),
    observedEndpoint: fc.option(text),
    observedAt: fc.option(fc.nat()),
    otherEndpoint: fc.option(text),
    otherObservedAt: fc.option(fc.nat()),
  });
  fc.assert(
    fc.property(row, row, (viewer, host) => {
      assert([null, host.observedEndpoint, host.otherEndpoint].includes(endpointFor(viewer, host)));
    }),
  );
});
