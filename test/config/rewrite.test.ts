import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import type { PeerConfig } from '../../src/config/config.ts';
import { formatConfig } from '../../src/config/format.ts';
import { parseConfigOrThrow } from '../../src/config/parse.ts';
import { replacePeers, replacePrivateKey } from '../../src/config/rewrite.ts';
import { formatCidr, maskCidr, parseCidr } from '../../src/ip.ts';
import { equalBytes } from '../../src/bytes.ts';
import { formatKey, parsePrivateKey } from '../../src/keys.ts';
import { configs, peerConfigs } from './arbitrary.ts';

const DOLORES = `# the first of all
[Peer]
#
# dolores.example.net, Hetzner, San Francisco
#
PublicKey = xFXzNIDQ5NJkY0Pgg5hG1fZg0RAD51nnu5MMBbhlpCg=
Endpoint=dolores.example.net:55867   # may move
#
# Allow dolores.vpn.example.net
AllowedIPs = 10.195.171.142/32, fdc1:d89e:b128:6a04::7de4/128
`;
const BERNARD = `[peer]
publickey = 5SAd89dXTesrxFZpNaRvwL/M11WjuevHJH/7Cv5LI3c=
AllowedIPs = 10.195.171.174/32
`;
const HEAD = `; head

[Interface]
ListenPort = 55867 # ours
`;
const TEXT = `${HEAD}
${DOLORES}
${BERNARD}`;

const peersOf = (text: string): readonly PeerConfig[] => parseConfigOrThrow(text, { file: 'wg0.conf' }).peers;
const [dolores, bernard] = peersOf(TEXT) as [PeerConfig, PeerConfig]; // the two above

describe('replacePeers', () => {
  it('leaves the file byte for byte when nothing changes', () => {
    assert.equal(replacePeers(TEXT, [bernard, dolores]), TEXT);
    assert.equal(replacePeers(TEXT.replaceAll('\n', '\r\n'), [dolores, bernard]), TEXT.replaceAll('\n', '\r\n'));
  });

  it('takes a section away together with the comments in and above it', () => {
    assert.equal(replacePeers(TEXT, [bernard]), `${HEAD}\n${BERNARD}`);
    assert.equal(replacePeers(TEXT, [dolores]), `${HEAD}\n${DOLORES}\n`);
  });

  it('writes only the value that changed, and keeps the comment behind it', () => {
    const moved = { ...dolores, endpoint: { host: '2001:db8::1', port: 1 } };
    assert.equal(
      replacePeers(TEXT, [moved, bernard]),
      TEXT.replace('dolores.example.net:55867   #', '[2001:db8::1]:1   #'),
    );
  });

  it('adds a value behind the last one and removes the line of one that is gone', () => {
    const { endpoint: _, ...rest } = dolores;
    const text = replacePeers(TEXT, [rest, { ...bernard, persistentKeepalive: 25 }]);
    const expected = TEXT.replace(/Endpoint.*\n/, '').replace(BERNARD, `${BERNARD}PersistentKeepalive = 25\n`);
    assert.equal(text, expected);
  });

  it('changes only the allowed IPs that came or went', () => {
    const [v4] = dolores.allowedIps;
    const office = parseCidr('172.27.126.0/24');
    assert.ok(v4 && office);
    assert.equal(
      replacePeers(TEXT, [{ ...dolores, allowedIps: [v4, office] }, bernard]),
      TEXT.replace(/, fdc1\S+\n/, '\nAllowedIPs = 172.27.126.0/24\n'),
    );
  });

  it('does not take another spelling for a change', () => {
    const text = `${BERNARD}PersistentKeepalive = 0\nEndpoint = [2001:DB8:0::1]:5\n`;
    assert.equal(replacePeers(text, peersOf(text)), text);
  });

  it('adds new peers at the end, with their comment', () => {
    const [extra] = peersOf('[Peer]\nPublicKey = Bj7G2pqXZRjrcBTwOWDrkjcy3PzhhJd3cX8QvBTaRDI=');
    assert.ok(extra);
    const added = '\n[Peer]\n# maeve\nPublicKey = Bj7G2pqXZRjrcBTwOWDrkjcy3PzhhJd3cX8QvBTaRDI=\n';
    assert.equal(replacePeers(TEXT, [{ ...extra, comment: 'maeve' }, dolores, bernard]), TEXT + added);
    assert.equal(replacePeers('[Interface]', [{ ...extra, comment: 'maeve' }]), `[Interface]\n${added}`);
  });

  it('keeps one section of a peer that had two, and one line of a value', () => {
    const twice = `${BERNARD}Endpoint = a:1\nEndpoint = b:2\n\n[Peer]\nPublicKey = 5SAd89dXTesrxFZpNaRvwL/M11WjuevHJH/7Cv5LI3c=\n`;
    const wanted = { ...bernard, endpoint: { host: 'c', port: 3 } };
    assert.equal(replacePeers(twice, [wanted]), `${BERNARD}Endpoint = c:3\n\n`);
  });

  it('arrives at exactly the wanted peers and leaves the interface alone, from any file', () => {
    fc.assert(
      fc.property(configs, peerConfigs, fc.subarray([0, 1, 2, 3, 4]), (config, others, kept) => {
        const text = formatConfig(config);
        const wanted = [...config.peers.filter((_, i) => kept.includes(i)), ...others];
        const result = replacePeers(text, wanted);
        assert.deepEqual(sorted(peersOf(result)), sorted(wanted));
        assert.equal(result.split('[Peer]')[0]?.trim(), text.split('[Peer]')[0]?.trim());
        assert.equal(replacePeers(result, wanted), result);
      }),
    );
  });

  it('edits a peer into any other that has its key', () => {
    fc.assert(
      fc.property(peerConfigs, peerConfigs, (before, after) => {
        const pairs = before.flatMap((peer, i) => (after[i] ? [{ ...after[i], publicKey: peer.publicKey }] : []));
        const text = formatConfig({ ...parseConfigOrThrow('', { file: '' }), peers: before });
        assert.deepEqual(sorted(peersOf(replacePeers(text, pairs))), sorted(pairs));
      }),
    );
  });
});

function sorted(peers: readonly PeerConfig[]): string[] {
  return peers.map((peer) => formatConfig({ ...parseConfigOrThrow('', { file: '' }), peers: [normal(peer)] })).sort();
}

/** Neither the order of allowed IPs nor their host bits mean anything. */
function normal(peer: PeerConfig): PeerConfig {
  const distinct = new Map(peer.allowedIps.map(maskCidr).map((cidr) => [formatCidr(cidr), cidr]));
  return { ...peer, allowedIps: [...distinct.keys()].sort().map((key) => distinct.get(key)!) };
}

describe('replacePrivateKey', () => {
  const next = parsePrivateKey('yAnz5TF+lXXJte14tji3zlMNq+hd2rYUIgJBgB3fBmk=')!; // 32 bytes

  it('changes the one line, and keeps its spelling and the comment behind it', () => {
    const text = '# a\r\n[interface]\r\n privatekey=AAAA= # ours\r\nMTU = 1400\r\n';
    assert.equal(replacePrivateKey(text, next), text.replace('AAAA=', formatKey(next)));
  });

  it('says when there is none to change', () => {
    for (const text of ['', '[Interface]\nMTU = 1400\n', '[Peer]\nPrivateKey = x\n'])
      assert.equal(replacePrivateKey(text, next), undefined);
  });

  it('changes nothing else of any file', () => {
    fc.assert(
      fc.property(configs, (config) => {
        const text = formatConfig({ ...config, interface: { ...config.interface, privateKey: next } });
        assert.equal(replacePrivateKey(text, next), text);
        const other = parsePrivateKey(formatKey(next).replace('yAnz', 'yBnz'))!; // 32 bytes, too
        const parsed = parseConfigOrThrow(replacePrivateKey(text, other)!, { file: 'wg0.conf' });
        assert(equalBytes(parsed.interface.privateKey!, other));
        assert.deepEqual({ ...parsed.interface, privateKey: next }, parseConfigOrThrow(text, { file: 'x' }).interface);
      }),
    );
  });
});
