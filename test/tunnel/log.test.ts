/** What a tunnel logs of the protocol: enough to see why it does not work, nothing private, and never without bounds. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeBase64, encodeHex } from '../../src/bytes.ts';
import { formatKey, type PublicKey } from '../../src/keys.ts';
import type { Log } from '../../src/log.ts';
import { createHandshakeLog, shortName } from '../../src/tunnel/handshake-log.ts';
import { createPacket } from '../simulation/packets.ts';
import { A, B, createHosts } from './hosts.ts';

type Line = [level: keyof Log, message: string, fields: object];

function recordingLog(): { log: Log; lines: Line[] } {
  const lines: Line[] = [];
  const writer = (level: keyof Log) => (fields: object, message: string) => void lines.push([level, message, fields]);
  return {
    lines,
    log: { debug: writer('debug'), info: writer('info'), warn: writer('warn'), error: writer('error') },
  };
}

test('a handshake is logged step by step, with the ends of the public keys and nothing else of any key', async () => {
  const { log, lines } = recordingLog();
  const { a, b, time } = createHosts(log);
  a.tun.setLink('up');
  b.tun.setLink('up');
  a.tun.send(createPacket({ from: A.inner, to: B.inner }));
  await time.settle();
  const [nameOfA, nameOfB] = [a, b].map(({ publicKey }) => ({ peer: shortName(publicKey) }));
  assert.deepEqual(
    lines.filter(([level]) => level === 'debug'),
    [
      ['debug', 'sent a handshake initiation', nameOfB],
      ['debug', 'received a handshake initiation', nameOfA],
      ['debug', 'sent a handshake response', nameOfA],
      ['debug', 'received a handshake response', nameOfB],
    ],
  );
  await Promise.all([a.tunnel.close(), b.tunnel.close()]);
  const text = JSON.stringify(lines);
  for (const key of [a.privateKey, b.privateKey, a.publicKey, b.publicKey])
    for (const form of [formatKey(key), formatKey(key).slice(0, 8), encodeHex(key).slice(0, 16)])
      assert.ok(!text.includes(form), form);
});

test('a peer that does not answer is given up after ninety seconds, and that is logged', async () => {
  const { log, lines } = recordingLog();
  const { a, b, time } = createHosts(log);
  a.tun.setLink('up');
  a.tun.send(createPacket({ from: A.inner, to: B.inner }));
  await time.advance(100_000);
  assert.deepEqual(lines.at(-1), [
    'debug',
    'the peer did not answer for 90 seconds, giving up',
    { peer: shortName(b.publicKey) },
  ]);
});

test('of each reason to drop the first time is logged, and how often it was when the tunnel closes', async () => {
  const { log, lines } = recordingLog();
  const { a, time } = createHosts(log);
  a.tun.setLink('up');
  for (let i = 0; i < 3; i++) a.tun.send(createPacket({ from: A.inner, to: '10.0.0.99' }));
  await time.settle();
  assert.deepEqual(
    lines.filter(([, message]) => message === 'dropped for the first time'),
    [['debug', 'dropped for the first time', { reason: 'no-route' }]],
  );
  await a.tunnel.close();
  assert.deepEqual(lines.at(-1), ['info', 'closing', { interface: 'a', drops: { 'no-route': 3 } }]);
});

test('handshakes that flood in are logged ten times a second, and it is said how many were left out', () => {
  const { log, lines } = recordingLog();
  let now = 0;
  const observe = createHandshakeLog(log, () => now);
  const key = new Uint8Array(32) as PublicKey; // 32 bytes
  for (let i = 0; i < 1_000; i++) observe('initiation-received', key);
  assert.equal(lines.length, 100);
  now += 1_000;
  for (let i = 0; i < 1_000; i++) observe('initiation-received', key);
  assert.deepEqual(lines[100], ['debug', 'handshakes went on faster than they are logged', { omitted: 900 }]);
  assert.equal(lines.length, 111);
});

test('a peer is named by the first and the last four characters of its key', () => {
  const key = Uint8Array.from({ length: 32 }, (_, i) => 8 * i) as PublicKey; // 32 bytes
  assert.equal(encodeBase64(key), 'AAgQGCAoMDhASFBYYGhweICIkJigqLC4wMjQ2ODo8Pg=');
  assert.equal(shortName(key), 'AAgQ…o8Pg');
});
