import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { formatAddress, isPrivate, isReachable, parseAddress, parseCidr, unmapAddress } from '../src/ip.ts';

/** As inet_ntop(3) writes what inet_pton(3) reads. */
const ADDRESSES: Readonly<Record<string, string>> = {
  '192.0.2.1': '192.0.2.1',
  '2001:DB8:0:0::1': '2001:db8::1',
  '1:0:2:3:4:5:6:7': '1:0:2:3:4:5:6:7',
  '1:0:0:2:0:0:0:1': '1:0:0:2::1',
  '::': '::',
  '::1': '::1',
  '::ffff:192.0.2.1': '::ffff:192.0.2.1',
  '::ffff:c000:201': '::ffff:192.0.2.1',
  '::192.0.2.1': '::192.0.2.1',
  '::5:6': '::0.5.0.6',
  '::1:0:0': '::1:0:0',
  '1::192.0.2.1': '1::c000:201',
  '1:2:3:4:5:6:192.0.2.1': '1:2:3:4:5:6:c000:201',
};

const NONE = [
  '',
  '192.0.2',
  '192.0.2.256',
  '192.0.02.1',
  '0x7f.0.0.1',
  '3221225985',
  ':::',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:192.0.2.1',
  '::192.0.2.01',
  '::192.0.2',
  '::192.0.2.1:1',
  'fe80::1%eth0',
  ' ::1',
];

describe('an address', () => {
  it('is written in one way only', () => {
    for (const [text, canonical] of Object.entries(ADDRESSES)) {
      const address = parseAddress(text);
      assert.ok(address, text);
      assert.equal(formatAddress(address), canonical);
      assert.deepEqual(parseAddress(canonical), address);
    }
  });

  it('of 16 bytes keeps the 4 that are written with dots in their place', () => {
    assert.deepEqual(parseAddress('::1.2.3.4')?.bytes, Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4));
  });

  it('is nothing that inet_pton(3) refuses', () => {
    for (const text of NONE) assert.equal(parseAddress(text), undefined, text);
    for (const text of ['10.0.0.0/33', '10.0.0.0/', '::/129', '10.0.0.0/-1', '10.0.0.0/8/8'])
      assert.equal(parseCidr(text), undefined, text);
  });

  it('of IPv4 inside of IPv6 is the same host', () => {
    const unmapped = (text: string) => formatAddress(unmapAddress(parseAddress(text)!));
    assert.equal(unmapped('::ffff:192.0.2.1'), '192.0.2.1');
    for (const text of ['192.0.2.1', '2001:db8::1', '::192.0.2.1']) assert.equal(unmapped(text), text);
  });

  it('is one that packets can be sent to, or is not', () => {
    for (const text of ['192.0.2.1', '10.0.0.1', '100.64.0.1', '2001:db8::1', 'fd00::1', 'fe80::1', '::ffff:192.0.2.1'])
      assert.equal(isReachable(parseAddress(text)!), true, text);
    for (const text of ['0.0.0.0', '0.1.2.3', '127.0.0.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '::', '::1'])
      assert.equal(isReachable(parseAddress(text)!), false, text);
    for (const text of ['ff02::1', '::ffff:127.0.0.1', '::ffff:255.255.255.255'])
      assert.equal(isReachable(parseAddress(text)!), false, text);
  });

  it('is private, or a prefix is as a whole', () => {
    for (const text of [
      '10.0.0.0/8',
      '192.168.5.5',
      '100.64.0.0/10',
      '172.31.0.0/16',
      'fd00:1::/32',
      'fe80::1',
      '127.0.0.1',
    ])
      assert.equal(isPrivate(parseCidr(text)!), true, text);
    for (const text of ['10.0.0.0/7', '172.32.0.0/16', '192.0.2.1', '2001:db8::/32', '::/0'])
      assert.equal(isPrivate(parseCidr(text)!), false, text);
  });
});
