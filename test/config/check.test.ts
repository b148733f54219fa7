import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { checkConfigs } from '../../src/config/check.ts';
import type { Finding, FindingCode } from '../../src/config/finding.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { PublicKey } from '../../src/keys.ts';

/** Two pairs of keys, as `wg genkey | wg pubkey` made them. */
const A = {
  privateKey: 'qNoBKylRuEUtBuTANIS6rSZoCqG8cFYzEWeS7fx63Vk=',
  publicKey: 'xFXzNIDQ5NJkY0Pgg5hG1fZg0RAD51nnu5MMBbhlpCg=',
};
const B = {
  privateKey: 'cIsZsNNMJmHSjsi/VBmoJk3DHN+mOG6OY6otkKOqQm4=',
  publicKey: 'Bj7G2pqXZRjrcBTwOWDrkjcy3PzhhJd3cX8QvBTaRDI=',
};
const C_PUBLIC = '5SAd89dXTesrxFZpNaRvwL/M11WjuevHJH/7Cv5LI3c=';

const HOST_A = `[Interface]
PrivateKey = ${A.privateKey}
ListenPort = 55867
Address = 10.0.7.1/24, fd00:7::1/64

[Peer]
PublicKey = ${B.publicKey}
Endpoint = b.example.net:55867
AllowedIPs = 10.0.7.2/32, fd00:7::2/128
`;
const HOST_B = `[Interface]
PrivateKey = ${B.privateKey}
ListenPort = 55867
Address = 10.0.7.2/24, fd00:7::2/64

[Peer]
PublicKey = ${A.publicKey}
Endpoint = a.example.net:55867
AllowedIPs = 10.0.7.1/32, fd00:7::1/128
`;

function check(...texts: string[]): Finding[] {
  const files = texts.map((text, i) => ({ file: `${'abcdef'[i]}.conf`, text }));
  return checkConfigs(files, (key) => nobleCrypto.publicKey(key) as PublicKey);
}

/** `a.conf:3 code`, as short as a finding can be told. */
function brief(findings: readonly Finding[]): string[] {
  return findings.map(({ file, line, code }) => `${file}:${line} ${code}`);
}

const extraPeer = (...lines: string[]): string => ['', '[Peer]', ...lines, ''].join('\n');

describe('checkConfigs, one file', () => {
  it('has nothing to say about a sound file, by itself and with its counterpart', () => {
    assert.deepEqual(check(HOST_A), []);
    assert.deepEqual(check(HOST_A, HOST_B), []);
  });

  // Each: the text, and what is found in it.
  const cases: [string, string, ...string[]][] = [
    ['values that no tool would accept', HOST_A.replace('55867\nAddress', 'http\nAddress'), 'a.conf:3 invalid'],
    ['comments that wg would refuse', `; mine\n${HOST_A}`, 'a.conf:1 semicolon-comment'],
    [
      'a missing [Interface]',
      extraPeer(`PublicKey = ${C_PUBLIC}`, 'Endpoint = c:1', 'AllowedIPs = ::/0'),
      'a.conf:1 no-interface',
    ],
    ['an empty private key', HOST_A.replace(A.privateKey, ''), 'a.conf:2 no-private-key'],
    [
      'an empty private key, which wg refuses, also when it is set later',
      HOST_A.replace(A.privateKey, '\nPostUp = wg set %i private-key /k'),
      'a.conf:2 no-private-key',
    ],
    ['a missing private key', HOST_A.replace(/PrivateKey.*\n/, ''), 'a.conf:1 no-private-key'],
    ['an empty address', HOST_A.replace(/Address = .*/, 'Address ='), 'a.conf:4 no-address'],
    ['a missing address', HOST_A.replace(/Address = .*\n/, ''), 'a.conf:1 no-address'],
    ['an address that is the network', HOST_A.replace('10.0.7.1/24', '10.0.7.0/24'), 'a.conf:4 network-address'],
    ['an address that is for broadcast', HOST_A.replace('10.0.7.1/24', '10.0.7.255/24'), 'a.conf:4 network-address'],
    [
      'a peer whose address is the network',
      HOST_A.replace('fd00:7::2/128', 'fd00:7::/128'),
      'a.conf:9 network-address',
    ],
    ['an MTU that is too small for IPv6', HOST_A.replace('ListenPort', 'MTU = 1279\nListenPort'), 'a.conf:3 small-mtu'],
    ['host bits in allowed IPs', `${HOST_A}AllowedIPs = 172.27.88.1/24`, 'a.conf:10 host-bits'],
    ['a peer without allowed IPs', HOST_A.replace(/AllowedIPs.*/, ''), 'a.conf:6 no-allowed-ips'],
    ['a host that is its own peer by key', HOST_A.replace(B.publicKey, A.publicKey), 'a.conf:7 self-peer'],
    ['a host that is its own peer by address', HOST_A.replace('10.0.7.2/32', '10.0.7.1/32'), 'a.conf:9 self-peer'],
    [
      'two peers with one key',
      HOST_A + extraPeer(`PublicKey = ${B.publicKey}`, 'Endpoint = c:1', 'AllowedIPs = 10.0.7.3/32'),
      'a.conf:12 duplicate-peer',
    ],
    [
      'two peers with one prefix',
      HOST_A + extraPeer(`PublicKey = ${C_PUBLIC}`, 'Endpoint = c:1', 'AllowedIPs = fd00:7::2/128'),
      'a.conf:14 overlapping-allowed-ips',
    ],
    [
      'a prefix inside that of another peer',
      HOST_A + extraPeer(`PublicKey = ${C_PUBLIC}`, 'Endpoint = c:1', 'AllowedIPs = 10.0.0.0/8'),
      'a.conf:14 overlapping-allowed-ips',
    ],
    [
      'two peers behind one port',
      HOST_A + extraPeer(`PublicKey = ${C_PUBLIC}`, 'Endpoint = B.example.net:55867', 'AllowedIPs = 10.0.7.3/32'),
      'a.conf:13 port-clash',
    ],
    [
      'a peer that nobody can reach',
      HOST_A.replace(/ListenPort.*\n/, '').replace(/Endpoint.*\n/, ''),
      'a.conf:5 unreachable-peer',
    ],
  ];
  for (const [what, text, ...expected] of cases)
    it(`finds ${what}`, () => {
      assert.deepEqual(brief(check(text)), expected);
    });

  it('lets a default route overlap everything', () => {
    assert.deepEqual(
      check(HOST_A + extraPeer(`PublicKey = ${C_PUBLIC}`, 'Endpoint = c:1', 'AllowedIPs = 0.0.0.0/0, ::/0')),
      [],
    );
  });

  it('lets the private key come from a file of its own', () => {
    assert.deepEqual(check(HOST_A.replace(/PrivateKey.*/, 'PostUp = wg set %i private-key /etc/wireguard/%i.key')), []);
  });
});

describe('checkConfigs, the files of a network', () => {
  const cases: [string, string[], ...string[]][] = [
    [
      'an address that differs from what the others use',
      [HOST_A, HOST_B.replace('10.0.7.2/24', '10.0.7.3/24')],
      'a.conf:9 address-mismatch',
    ],
    [
      'an address that two hosts have',
      [HOST_A, HOST_B, `[Interface]\nPrivateKey = ${A.privateKey.replace('q', 'k')}\nAddress = 10.0.7.2/24\n`],
      'c.conf:3 duplicate-address',
    ],
    [
      'a public key that matches no private key, of a host that is known by its address',
      [HOST_A.replace(B.publicKey, C_PUBLIC), HOST_B],
      'a.conf:7 unknown-public-key',
    ],
    [
      'a public key that matches no private key, of nobody',
      [HOST_A + extraPeer(`PublicKey = ${C_PUBLIC}`, 'Endpoint = c:1', 'AllowedIPs = 10.0.7.3/32'), HOST_B],
      'a.conf:12 unknown-public-key',
    ],
    ['a port that the host does not listen on', [HOST_A, HOST_B.replace('55867', '55868')], 'a.conf:8 port-mismatch'],
    ['a host without a port', [HOST_A, HOST_B.replace(/ListenPort.*\n/, '')], 'a.conf:8 port-mismatch'],
    ['a peer that does not know this host', [HOST_A, HOST_B.replace(/\[Peer\][^]*/, '')], 'a.conf:6 one-sided-peer'],
    [
      'hosts of which neither can reach the other, once',
      [HOST_A.replace(/Endpoint.*\n/, ''), HOST_B.replace(/Endpoint.*\n/, '')],
      'a.conf:6 unreachable-peer',
    ],
    [
      'preshared keys that differ, once',
      [`${HOST_A}PresharedKey = ${C_PUBLIC}\n`, HOST_B],
      'a.conf:10 preshared-key-mismatch',
    ],
    [
      'a host that nobody can call and that does not keep its way open',
      [HOST_A, HOST_B].map((text) => text.replace('Endpoint = b.example.net:55867\n', '')),
      'b.conf:6 missing-keepalive',
    ],
    [
      'a private key that two hosts use',
      ['10.0.7.1', '10.0.7.2'].map((own) => `[Interface]\nPrivateKey = ${A.privateKey}\nAddress = ${own}/24\n`),
      'b.conf:2 shared-private-key',
    ],
  ];
  for (const [what, texts, ...expected] of cases)
    it(`finds ${what}`, () => {
      assert.deepEqual(brief(check(...texts)), expected);
    });

  it('finds one endpoint that stands for two hosts in different files', () => {
    const shared = HOST_B.replace('a.example.net', 'b.example.net');
    assert.deepEqual(brief(check(HOST_A, shared)), ['b.conf:8 port-clash']);
  });

  it('never tells a secret', () => {
    const secret = `${'a'.repeat(42)}A=`;
    const texts = [`${HOST_A}PresharedKey = ${secret}\n`, HOST_A, HOST_B.replace(A.publicKey, C_PUBLIC)];
    const told = JSON.stringify(check(...texts));
    for (const key of [A.privateKey, B.privateKey, secret]) assert.ok(!told.includes(key));
    assert.match(told, /shared-private-key/);
    assert.match(told, /preshared-key-mismatch/);
  });
});

describe('the files of the guide', () => {
  const hosts = ['dolores', 'maeve', 'bernard', 'arnold', 'charlotte', 'teddy'];
  const read = (host: string): string => readFileSync(new URL(`seed/${host}.conf`, import.meta.url), 'utf8');
  const findings = checkConfigs(
    hosts.map((host) => ({ file: `${host}.conf`, text: read(host) })),
    (key) => nobleCrypto.publicKey(key) as PublicKey,
  );
  const found = (code: FindingCode, file?: string): string[] =>
    brief(findings.filter((finding) => finding.code === code && (file === undefined || finding.file === file)));

  it('have one private key on two hosts', () => {
    assert.deepEqual(found('shared-private-key'), ['charlotte.conf:5 shared-private-key']);
  });

  it('have hosts that are their own peers, because of it', () => {
    assert.deepEqual(found('self-peer'), ['dolores.conf:33 self-peer', 'charlotte.conf:13 self-peer']);
  });

  it('have two peers with one public key wherever both are peers', () => {
    const files = found('duplicate-peer').map((text) => text.split(':')[0]);
    assert.deepEqual(files, ['maeve.conf', 'bernard.conf', 'arnold.conf', 'teddy.conf']);
  });

  it('have an empty Address, and empty public keys', () => {
    assert.deepEqual(found('no-address'), ['charlotte.conf:7 no-address']);
    const empty = findings.filter(({ message }) => message.startsWith('PublicKey: ') && message.endsWith('nothing'));
    assert.deepEqual(
      empty.map(({ file, line }) => `${file}:${line}`),
      ['dolores.conf:46', 'maeve.conf:46', 'bernard.conf:46', 'arnold.conf:48', 'charlotte.conf:43'],
    );
  });

  it('have addresses that differ from what the others use, of Maeve and of Bernard', () => {
    assert.deepEqual(
      findings
        .filter(({ code, file }) => code === 'address-mismatch' && file === 'dolores.conf')
        .map(({ message }) => message),
      [
        'maeve.conf has the Address 10.195.171.126, not 10.195.171.47/32',
        'maeve.conf has the Address fdc1:d89e:b128:6a04::2615, not fdc1:d89e:b128:6a04::961/128',
        'bernard.conf has the Address 10.195.171.74, not 10.195.171.174/32',
        'bernard.conf has the Address fdc1:d89e:b128:6a04::41c5, not fdc1:d89e:b128:6a04::3354/128',
      ],
    );
  });

  it('have the network itself as an address of Teddy, over IPv4 and IPv6', () => {
    assert.deepEqual(found('network-address', 'dolores.conf'), Array(2).fill('dolores.conf:50 network-address'));
  });

  it('have comments that wg refuses, and no [Interface] of Arnold and Teddy', () => {
    assert.deepEqual(
      found('semicolon-comment'),
      ['maeve.conf', 'bernard.conf', 'charlotte.conf'].map((file) => `${file}:1 semicolon-comment`),
    );
    assert.deepEqual(found('no-interface'), ['arnold.conf:1 no-interface', 'teddy.conf:1 no-interface']);
  });
});
