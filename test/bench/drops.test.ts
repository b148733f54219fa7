import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseReceiverDrops } from '../../bench/tunnel/drops.ts';

const COUNTERS = `Tcp: RtoAlgorithm RtoMin
Tcp: 1 200
Udp: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors SndbufErrors InCsumErrors IgnoredMulti MemErrors
Udp: 76187 0 30616 51 30616 0 0 0 0
UdpLite: InDatagrams NoPorts InErrors OutDatagrams RcvbufErrors
UdpLite: 0 0 0 0 0
`;
const SOCKETS = `   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  114: 00000000:CA6C 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 77 2 00000000c0ffee00 16
  971: 00000000:1451 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 78 2 00000000c0ffee01 30600
`;

test('what the socket of the tunnel has dropped is not counted as what its receiver has', () => {
  assert.equal(parseReceiverDrops(COUNTERS, SOCKETS, 51_820), 30_600);
  assert.equal(parseReceiverDrops(COUNTERS, '', 51_820), 30_616);
});

test('counters without the one that is asked for are an error', () => {
  assert.throws(() => parseReceiverDrops('Udp: InDatagrams\nUdp: 1\n', SOCKETS, 51_820), /RcvbufErrors/);
});
