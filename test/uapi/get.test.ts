import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { UserError } from '../../src/errors.ts';
import type { PublicKey } from '../../src/keys.ts';
import { formatErrno, formatGet } from '../../src/uapi/format-get.ts';
import { expectSuccess, parseErrno, parseGet } from '../../src/uapi/parse-get.ts';
import { arbitraryState } from './arbitrary.ts';

const KEY = 'b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33';

test('whatever state is formatted is parsed to the same state', () => {
  fc.assert(
    fc.property(arbitraryState, (state) => {
      const peers = state.peers.map((peer) => {
        const latestHandshake = `${Math.floor(peer.latestHandshakeMs / 1000)}`;
        return { ...peer, exact: { rxBytes: `${peer.rxBytes}`, txBytes: `${peer.txBytes}`, latestHandshake } };
      });
      assert.deepEqual(parseGet([...formatGet(state)].join('')), { ...state, peers });
    }),
  );
});

test('a tunnel without key, port and mark answers without these lines', () => {
  const state = { privateKey: undefined, publicKey: undefined, listenPort: 0, fwmark: 0, peers: [], drops: {} };
  assert.deepEqual([...formatGet(state)], ['errno=0\n\n']);
});

test('the answer of wireguard-go is read, and keys of a later version are passed over', () => {
  const state = parseGet(
    `private_key=${KEY}\nlisten_port=41414\ncolour=red\npublic_key=${KEY}\npreshared_key=${'0'.repeat(64)}\n` +
      'protocol_version=1\nendpoint=127.0.0.1:5000\nlast_handshake_time_sec=1700000000\nlast_handshake_time_nsec=250000000\n' +
      'tx_bytes=5\nrx_bytes=6\npersistent_keepalive_interval=0\nallowed_ip=10.0.0.2/32\nerrno=0\n\n',
    { derivePublicKey: () => new Uint8Array(32).fill(9) as PublicKey }, // 32 bytes
  );
  assert.equal(state.publicKey![0], 9);
  assert.equal(state.listenPort, 41_414);
  assert.equal(state.peers[0]!.latestHandshakeMs, 1_700_000_000_250);
  assert.equal(state.peers[0]!.endpoint!.toString(), '127.0.0.1:5000');
});

test('an error answer becomes a UserError that says which', () => {
  assert.throws(() => parseGet(formatErrno(22)), /errno 22 \(invalid value\)/);
  assert.equal(parseErrno('errno=-98\n\n'), 98);
  assert.throws(() => expectSuccess('hello\n'), UserError);
  assert.throws(() => parseGet('listen_port=x\nerrno=0\n\n'), /malformed "listen_port"/);
});

test('numbers of 64 bits are kept as they are told, and larger ones refused', () => {
  const largest = 2n ** 64n - 1n;
  fc.assert(
    fc.property(fc.bigInt(0n, largest), fc.bigInt(0n, largest), fc.bigInt(0n, 2n ** 63n - 1n), (rx, tx, seconds) => {
      const lines = `public_key=${KEY}\nrx_bytes=${rx}\ntx_bytes=${tx}\nlast_handshake_time_sec=${seconds}\n`;
      const { exact, rxBytes } = parseGet(`${lines}errno=0\n\n`).peers[0]!;
      assert.deepEqual(exact, { rxBytes: `${rx}`, txBytes: `${tx}`, latestHandshake: `${seconds}` });
      assert.equal(rxBytes, Number(rx));
    }),
  );
  for (const line of [`rx_bytes=${largest + 1n}`, `last_handshake_time_sec=${2n ** 63n}`, 'tx_bytes=-1'])
    assert.throws(() => parseGet(`public_key=${KEY}\n${line}\nerrno=0\n\n`), /malformed/);
});
