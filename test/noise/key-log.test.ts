/** The key log: the lines that Wireshark's dissector of WireGuard reads. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PublicKey } from '../../src/keys.ts';
import { formatKeyLog } from '../../src/noise/key-log.ts';
import { keyFrom, NO_PRESHARED_KEY } from './pair.ts';

test('a handshake is logged as four lines, the static keys before those that belong to them', () => {
  const lines = formatKeyLog({
    localStaticPrivate: keyFrom('static'),
    remoteStaticPublic: keyFrom('public') as Uint8Array as PublicKey,
    localEphemeralPrivate: keyFrom('ephemeral'),
    presharedKey: NO_PRESHARED_KEY,
  });
  assert.equal(
    lines,
    `LOCAL_STATIC_PRIVATE_KEY = ${base64(keyFrom('static'))}\n` +
      `REMOTE_STATIC_PUBLIC_KEY = ${base64(keyFrom('public'))}\n` +
      `LOCAL_EPHEMERAL_PRIVATE_KEY = ${base64(keyFrom('ephemeral'))}\n` +
      'PRESHARED_KEY = AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n',
  );
});

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64');
}
