import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runExample } from './example.ts';

test('two tunnels in one process carry a packet', async () => {
  const lines = (await runExample('examples/two-tunnels/two-tunnels.ts')).split('\n');
  assert.equal(lines[0], 'bob received "hello, Bob"');
  // An initiation of 148 bytes, and 31 bytes of IPv4 padded to 32, with a header and a tag of 16 bytes each.
  assert.match(lines[1]!, /^from [\w+/]{43}= at 192\.0\.2\.1:\d+, 212 bytes under WireGuard$/);
});
