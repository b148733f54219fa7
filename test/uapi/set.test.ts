import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cidr, formatCidr, maskCidr } from '../../src/ip.ts';
import { formatKeyHex } from '../../src/keys.ts';
import type { TunnelChange } from '../../src/tunnel/state.ts';
import { EINVAL, EPROTO } from '../../src/uapi/errno.ts';
import { formatSet } from '../../src/uapi/format-set.ts';
import { parseSet } from '../../src/uapi/parse-set.ts';
import { arbitraryChange } from './arbitrary.ts';

const KEY = 'b85996fecc9c7f1fc6d2572a76eda11d59bcd20be8e543b15ce4bd85a8e75a33';
const OTHER = '58402e695ba1772b1cc9309755f043251ea77fdcf10fbe63989ceb7e19321376';

function change(text: string): TunnelChange {
  const parsed = parseSet(text);
  assert.ok('change' in parsed, 'reason' in parsed ? parsed.reason : '');
  return parsed.change;
}

function errno(text: string): number {
  const parsed = parseSet(text);
  assert.ok('errno' in parsed);
  return parsed.errno;
}

test('a set as wg(8) sends it is understood key by key', () => {
  const set = change(
    `set=1\nprivate_key=${OTHER}\nlisten_port=12912\nfwmark=51820\nreplace_peers=true\n` +
      `public_key=${KEY}\npreshared_key=${OTHER}\nendpoint=[abcd:23::33%2]:51820\npersistent_keepalive_interval=25\n` +
      'replace_allowed_ips=true\nallowed_ip=192.168.4.4/32\nallowed_ip=-10.0.0.9/8\n' +
      `public_key=${OTHER}\nremove=true\nupdate_only=true\nprotocol_version=1\n\n`,
  );
  assert.equal(formatKeyHex(set.privateKey!), OTHER);
  assert.deepEqual([set.listenPort, set.fwmark, set.replacePeers], [12912, 51820, true]);
  const [first, second] = set.peers!;
  assert.equal(formatKeyHex(first!.publicKey), KEY);
  assert.equal(formatKeyHex(first!.presharedKey!), OTHER);
  assert.equal(first!.endpoint!.toString(), '[abcd:23::33%2]:51820');
  assert.equal(first!.persistentKeepalive, 25);
  assert.equal(first!.replaceAllowedIps, true);
  assert.deepEqual(
    first!.allowedIps!.map((entry) => `${entry.remove === true ? '-' : ''}${formatCidr(entry.cidr)}`),
    ['192.168.4.4/32', '-10.0.0.0/8'],
  );
  assert.deepEqual([second!.remove, second!.updateOnly], [true, true]);
});

test('what is absent stays absent, so that a device keeps it', () => {
  assert.deepEqual(change('set=1\n\n'), { peers: [] });
  assert.deepEqual(Object.keys(change(`public_key=${KEY}\n`).peers![0]!), ['publicKey', 'allowedIps']);
});

test('a private key of zeros takes the key away', () => {
  assert.equal(change(`private_key=${'0'.repeat(64)}\n`).privateKey, null);
});

test('replace_allowed_ips replaces the prefixes before it in the same request as well', () => {
  const set = change(`public_key=${KEY}\nallowed_ip=10.0.0.0/8\nreplace_allowed_ips=true\nallowed_ip=::/0\n`);
  assert.deepEqual(
    set.peers![0]!.allowedIps!.map((entry) => formatCidr(entry.cidr)),
    ['::/0'],
  );
});

test('the zone of a link-local endpoint may be the name of an interface', () => {
  const text = `public_key=${KEY}\nendpoint=[fe80::1%veth7]:1\n`;
  const parsed = parseSet(text, { interfaceIndex: (name) => (name === 'veth7' ? 7 : undefined) });
  assert.ok('change' in parsed);
  assert.equal(parsed.change.peers![0]!.endpoint!.scopeId, 7);
  assert.equal(errno(text), EINVAL);
});

test('each malformed value is answered as wireguard-go answers it', () => {
  assert.equal(errno('listen_port\n'), EPROTO);
  const invalid = [
    'private_key=00',
    'listen_port=65536',
    'listen_port=-1',
    'listen_port=0x10',
    'fwmark=4294967296',
    'replace_peers=false',
    'nonsense=1',
    'allowed_ip=10.0.0.0/8',
    'public_key=zz',
    `public_key=${KEY}\nremove=1`,
    `public_key=${KEY}\nupdate_only=`,
    `public_key=${KEY}\nreplace_allowed_ips=yes`,
    `public_key=${KEY}\npreshared_key=00`,
    `public_key=${KEY}\nendpoint=example.com:1`,
    `public_key=${KEY}\nendpoint=192.0.2.1`,
    `public_key=${KEY}\nendpoint=192.0.2.1:65536`,
    `public_key=${KEY}\nendpoint=::1:80`,
    `public_key=${KEY}\npersistent_keepalive_interval=65536`,
    `public_key=${KEY}\nallowed_ip=10.0.0.0`,
    `public_key=${KEY}\nallowed_ip=10.0.0.0/33`,
    `public_key=${KEY}\nprotocol_version=2`,
    `public_key=${KEY}\nlisten_port=1`,
  ];
  for (const text of invalid) assert.equal(errno(`${text}\n`), EINVAL, text);
});

test('the first mistake decides, and no reason repeats a value', () => {
  const parsed = parseSet(`private_key=${KEY.slice(1)}\nbroken\n`);
  assert.deepEqual(parsed, { errno: EINVAL, reason: 'invalid value for "private_key"' });
});

test('a private key that was pasted where a key of the UAPI belongs gets into no reason', () => {
  for (const pasted of ['WAmgVYXkbT2bCtdcDwolI88/iVi/aV3/PHcUBTQSYmo=', `${'e8'.repeat(31)}7a=`])
    assert.deepEqual(parseSet(`${pasted}\n`), { errno: EINVAL, reason: 'unknown device key' });
  assert.deepEqual(parseSet('priwate_key=1\n'), { errno: EINVAL, reason: 'unknown device key "priwate_key"' });
});

test('whatever is formatted is parsed to the same change', () => {
  fc.assert(
    fc.property(arbitraryChange, (before) => {
      const peers = (before.peers ?? []).map((peer) => ({
        ...peer,
        allowedIps: (peer.allowedIps ?? []).map((entry) => ({ ...entry, cidr: maskCidr(entry.cidr) })),
      }));
      assert.deepEqual(change(formatSet(before)), { ...before, peers });
    }),
  );
});

test('no line makes the parser throw', () => {
  const line = fc.oneof(
    fc.string(),
    fc
      .constantFrom('public_key', 'endpoint', 'allowed_ip', 'fwmark')
      .chain((key) => fc.string().map((v) => `${key}=${v}`)),
  );
  fc.assert(
    fc.property(fc.array(line), (lines) => {
      const parsed = parseSet(`public_key=${KEY}\n${lines.join('\n')}`);
      assert.ok('change' in parsed || parsed.errno > 0);
    }),
  );
});

test('a peer may have 130,000 allowed IPs', () => {
  const prefixes = Array.from(
    { length: 130_000 },
    (_, i) => `allowed_ip=10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}/32`,
  );
  assert.equal(change(`public_key=${KEY}\n${prefixes.join('\n')}\n`).peers![0]!.allowedIps!.length, 130_000);
});

test('a prefix keeps no host bits', () => {
  const set = change(`public_key=${KEY}\nallowed_ip=10.1.2.3/8\n`);
  assert.deepEqual(set.peers![0]!.allowedIps![0]!.cidr, cidr({ family: 4, bytes: Uint8Array.of(10, 0, 0, 0) }, 8));
});
