import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as fc from 'fast-check';
import { endpointAddress, formatEndpoint, parseEndpoint, type Config } from '../../src/config/config.ts';
import { formatConfig } from '../../src/config/format.ts';
import { ConfigError, describeProblem, parseConfig, parseConfigOrThrow, type Problem } from '../../src/config/parse.ts';
import { UserError } from '../../src/errors.ts';
import { formatCidr } from '../../src/ip.ts';
import { formatKey } from '../../src/keys.ts';
import { configs } from './arbitrary.ts';

const KEY = 'xFXzNIDQ5NJkY0Pgg5hG1fZg0RAD51nnu5MMBbhlpCg=';
const PEER = `[Peer]\nPublicKey = ${KEY}\n`;

const parse = (text: string): Config => parseConfigOrThrow(text, { file: 'wg0.conf' });

function problems(text: string): readonly Problem[] {
  const parsed = parseConfig(text, { file: 'wg0.conf' });
  return 'problems' in parsed ? parsed.problems : [];
}

describe('parseConfig', () => {
  it('reads every key of an interface', () => {
    const { interface: it } = parse(`
[Interface]
PrivateKey = ${KEY}
ListenPort = 55867
FwMark = 0xCA6C
Address = 10.195.171.142/24, fdc1:d89e:b128:6a04::7de4/64
Address = 10.0.0.1
DNS = 10.0.0.53, vpn.example.net
MTU = 1420
Table = off
PreUp = a
PostUp = b %i; c
PostUp = d
PreDown = e
PostDown = f
SaveConfig = true
`);
    assert.equal(it.privateKey && formatKey(it.privateKey), KEY);
    assert.deepEqual([it.listenPort, it.fwmark, it.mtu, it.table, it.saveConfig], [55867, 0xca6c, 1420, 'off', true]);
    assert.deepEqual(it.addresses.map(formatCidr), [
      '10.195.171.142/24',
      'fdc1:d89e:b128:6a04::7de4/64',
      '10.0.0.1/32',
    ]);
    assert.deepEqual(it.dns, ['10.0.0.53', 'vpn.example.net']);
    assert.deepEqual([it.preUp, it.postUp, it.preDown, it.postDown], [['a'], ['b %i; c', 'd'], ['e'], ['f']]);
  });

  it('reads every key of a peer', () => {
    const [peer] = parse(`${PEER}
PresharedKey = ${KEY}
AllowedIPs = 10.195.171.241/32, fdc1:d89e:b128:6a04::29ab/128
AllowedIPs = 172.27.88.0/24
Endpoint = [2001:db8::1]:55867
PersistentKeepalive = 25`).peers;
    assert.ok(peer);
    assert.deepEqual(peer.presharedKey, peer.publicKey);
    assert.deepEqual(peer.endpoint, { host: '2001:db8::1', port: 55867 });
    assert.equal(peer.persistentKeepalive, 25);
    assert.equal(
      peer.allowedIps.map(formatCidr).join(' '),
      '10.195.171.241/32 fdc1:d89e:b128:6a04::29ab/128 172.27.88.0/24',
    );
  });

  it('takes # anywhere and ; at the beginning of a line for comments', () => {
    const text = `; one\n  # two\n[Interface] # three\nListenPort = 1 # four\n;ListenPort = 2\nPostUp = a; b # c`;
    assert.deepEqual([parse(text).interface.listenPort, parse(text).interface.postUp], [1, ['a; b']]);
  });

  it('ignores case in sections and keys, and white space as wg does', () => {
    const config = parse(
      `[ inter face ]\r\nLISTENPORT=\t5 5\r\n[PEER]\r\npublic key =${KEY}\r\nallowedips=10.0.0.0 / 8`,
    );
    assert.equal(config.interface.listenPort, 55);
    assert.deepEqual(config.peers[0]?.allowedIps.map(formatCidr), ['10.0.0.0/8']);
  });

  it('lets the last value of a repeated key count, also across repeated sections', () => {
    assert.equal(parse('[Interface]\nMTU = 1400\n[Interface]\nMTU = 1300').interface.mtu, 1300);
  });

  it('reads off as zero', () => {
    const config = parse(`[Interface]\nFwMark = off\n${PEER}PersistentKeepalive = off`);
    assert.deepEqual([config.interface.fwmark, config.peers[0]?.persistentKeepalive], [0, 0]);
  });

  it('takes empty lists and an empty private key as not given', () => {
    const config = parse(`[Interface]\nPrivateKey =\nAddress =\nDNS =\nPostUp =\n${PEER}AllowedIPs =`);
    assert.equal(config.interface.privateKey, undefined);
    assert.deepEqual([config.interface.addresses, config.interface.dns, config.interface.postUp], [[], [], []]);
    assert.deepEqual(config.peers[0]?.allowedIps, []);
  });

  it('reads a list of 130,000 prefixes', () => {
    const list = Array.from({ length: 130_000 }, (_, i) => `10.${i >> 16}.${(i >> 8) & 255}.${i & 255}`).join(',');
    assert.equal(parse(`${PEER}AllowedIPs = ${list}`).peers[0]?.allowedIps.length, 130_000);
  });

  it('tells where each value came from', () => {
    const parsed = parseConfig(`\n[Interface]\nMTU = 1400\n\n${PEER}`, { file: 'wg0.conf' });
    assert.ok('source' in parsed);
    assert.deepEqual(parsed.source.interface, {
      name: 'Interface',
      line: 2,
      entries: [{ key: 'MTU', value: '1400', line: 3 }],
    });
    assert.deepEqual(
      parsed.source.peers.map((section) => section.line),
      [5],
    );
  });

  it('collects every problem with its line, its key, what is there and what is expected', () => {
    const found = problems(`ListenPort = 1
[Interface]
ListenPort = http
Adress = 10.0.0.1/24
Endpoint = a:1
nonsense
[Peer]
Endpoint = example.net
AllowedIPs = 10.0.0.0/33
PersistentKeepalive = soon
[Pear]`);
    assert.deepEqual(
      found.map((problem) => `${problem.line} ${describeProblem(problem).replace(/ \(.*\)/, '')}`),
      [
        '1 expected Key = value, under [Interface] or [Peer], found ListenPort before any section',
        '3 ListenPort: expected a port from 0 to 65535, found "http"',
        '4 expected a key of [Interface], found Adress',
        '5 expected a key of [Interface], found Endpoint, which belongs in the other section',
        '6 expected Key = value, under [Interface] or [Peer], found another line',
        '7 expected a PublicKey in every [Peer], found a peer without one',
        '8 Endpoint: expected host:port or [IPv6 address]:port, found "example.net"',
        '9 AllowedIPs: expected addresses with a prefix length, separated by commas, found "10.0.0.0/33"',
        '10 PersistentKeepalive: expected seconds from 0 to 65535, or off, found "soon"',
        '11 expected [Interface] or [Peer], found [Pear]',
      ],
    );
    assert.ok(found.every((problem) => problem.file === 'wg0.conf'));
  });

  for (const [key, bad] of [
    ['PublicKey', ''],
    ['PublicKey', 'xFXzNIDQ5NJkY0Pgg5hG1fZg0RAD51nnu5MMBbhlpCg'],
    ['PresharedKey', ''],
    ['Endpoint', ''],
    ['Endpoint', 'host:0'],
    ['Endpoint', 'host:65536'],
    ['Endpoint', '[host]:1'],
    ['Endpoint', '2001:db8::1'],
    ['PersistentKeepalive', '65536'],
    ['AllowedIPs', '10.0.0.0/8 10.1.0.0/16'],
  ])
    it(`refuses ${key} = "${bad}" in a peer`, () => {
      assert.equal(problems(`[Peer]\nPublicKey = ${KEY}\n${key} = ${bad}`).length, 1);
    });

  for (const [key, bad] of [
    ['ListenPort', ''],
    ['ListenPort', '-1'],
    ['MTU', '67'],
    ['FwMark', '0x1ffffffff'],
    ['Address', '10.0.0.256/24'],
    ['SaveConfig', 'yes'],
    ['Table', 'a b'],
  ])
    it(`refuses ${key} = "${bad}" in an interface`, () => {
      assert.equal(problems(`[Interface]\n${key} = ${bad}`).length, 1);
    });

  it('never shows what might be a secret', () => {
    const secret = 'qNoBKylRuEUtBuTANIS6rSZoCqG8cFYzEWeS7fx63Vk';
    const text = `${secret}=\n[Interface]\nPrivateKey = ${secret}\n${secret}=\n${secret}\n${PEER}PresharedKey = ${secret}`;
    assert.equal(problems(text).length, 5);
    assert.doesNotMatch(JSON.stringify(problems(text)), /qNoBK/);
  });

  it('never throws, whatever the text', () => {
    const line = fc.oneof(
      fc.constantFrom('[Interface]', '[Peer]', 'PublicKey', '=', 'AllowedIPs = ', '#', ';', '\r'),
      fc.string(),
    );
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        parseConfig(lines.join('\n'), { file: 'x' });
      }),
    );
  });
});

describe('configError', () => {
  it('tells all problems at once and points at the first', () => {
    assert.throws(
      () => parse('[Interface]\nMTU = x\nListenPort = y'),
      (error) =>
        error instanceof UserError &&
        error.position?.line === 2 &&
        error.message.startsWith('MTU: ') &&
        error.message.includes('\nwg0.conf:3: ListenPort: '),
    );
    assert.throws(() => new ConfigError([]), RangeError);
  });
});

describe('a line', () => {
  it('of very many spaces is read in the time of its length', () => {
    const spaces = ' '.repeat(300_000);
    const started = performance.now();
    const { interface: section } = parse(`[Interface]\nPrivateKey = ${KEY}\nPostUp = a${spaces}b # c${spaces}#`);
    assert.deepEqual(section.postUp, [`a${spaces}b`]);
    assert.ok(performance.now() - started < 2_000, `${performance.now() - started} ms`);
  });
});

describe('formatConfig', () => {
  it('writes what parseConfig reads back', () => {
    fc.assert(
      fc.property(configs, (config) =>
        assert.deepEqual(withoutAbsent(parse(formatConfig(config))), withoutAbsent(config)),
      ),
    );
  });

  it('refuses a value that would end in a comment or another line', () => {
    const config = parse('[Interface]');
    for (const line of ['echo # x', 'a\nPostUp = b'])
      assert.throws(() => formatConfig({ ...config, interface: { ...config.interface, postUp: [line] } }), RangeError);
  });

  it('puts a comment under the header of a peer, on lines of their own', () => {
    const [peer] = parse(PEER).peers;
    assert.ok(peer);
    const text = formatConfig({ ...parse(''), peers: [{ ...peer, comment: 'teddy\n[Peer]' }] });
    assert.match(text, /\[Peer\]\n# teddy\n# \[Peer\]\nPublicKey/);
  });
});

describe('endpoints', () => {
  it('come in three forms', () => {
    for (const text of ['dolores.example.net:55867', '203.0.113.54:1', '[2001:db8::1]:65535', '[fe80::1%eth0]:5'])
      assert.equal(formatEndpoint(parseEndpoint(text) ?? assert.fail(text)), text);
  });

  it('have an address unless they are a name', () => {
    assert.equal(endpointAddress({ host: 'dolores.example.net', port: 1 }), undefined);
    assert.equal(endpointAddress({ host: 'fe80::1%eth0', port: 1 })?.family, 6);
  });
});

/** Absent and undefined are the same here. */
function withoutAbsent(config: Config): unknown {
  return JSON.parse(JSON.stringify(config));
}
