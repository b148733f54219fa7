/**
 * Our reader of configurations beside that of Debian's wg(8): the same files are accepted and refused, and what is
 * accepted means the same.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import {
  EMPTY_INTERFACE,
  endpointAddress,
  formatEndpoint,
  type Config,
  type PeerConfig,
} from '../../src/config/config.ts';
import { formatConfig } from '../../src/config/format.ts';
import { parseConfig, parseConfigOrThrow } from '../../src/config/parse.ts';
import { formatCidr, maskCidr } from '../../src/ip.ts';
import { formatKey, isNoKey } from '../../src/keys.ts';
import { configs } from '../config/arbitrary.ts';
import { OURS, wireguardGo, whyMissing } from './implementation.ts';
import type { Implementation } from './implementation.ts';
import type { Host } from './lab/host.ts';
import { Lab } from './lab/lab.ts';
import { scenarioOptions } from './pairings.ts';
import { startDaemon } from './tunnel.ts';

const KEY = 'xFXzNIDQ5NJkY0Pgg5hG1fZg0RAD51nnu5MMBbhlpCg=';
const PEER = `[Peer]\nPublicKey = ${KEY}\n`;

const ACCEPTED = [
  '',
  '# nothing\n\n[Interface] # to say\n',
  `[Interface]\nPrivateKey = ${KEY}\nListenPort = 55867\nFwMark = 0xca6c\n`,
  '[Interface]\nListenPort = 5 5\nFwMark = off\n',
  '[ inter face ]\r\nLISTENPORT=55\r\n',
  '[Interface]\nListenPort = 1\n[Interface]\nListenPort = 2\n',
  `[PEER]\npublic key =${KEY}\nallowedips=10.0.0.0 / 8 # all\n`,
  `${PEER}PresharedKey = ${KEY}\nPersistentKeepalive = 25\nEndpoint = 192.0.2.1:55867\n`,
  `${PEER}AllowedIPs = 10.0.0.1/24, fd00:7::1/64\nAllowedIPs = 0.0.0.0/0, 10.1.2.3\n`,
  `${PEER}PersistentKeepalive = off\nEndpoint = [2001:db8::1]:1\n`,
  `${PEER}Endpoint = 2001:db8::1:5\n`,
];

const REFUSED = [
  '; a comment of another kind',
  '[Interface]\nPrivateKey = short\n',
  `[Interface]\nPrivateKey = ${'A'.repeat(44)}\n`,
  '[Interface]\nListenPort =\n',
  '[Interface]\nFwMark = high\n',
  '[Interface]\nEndpoint = 192.0.2.1:1\n',
  '[Elsewhere]\nListenPort = 1\n',
  'ListenPort = 1\n',
  `${PEER}ListenPort = 1\n`,
  '[Peer]\nAllowedIPs = 10.0.0.0/8\n',
  '[Peer]\nPublicKey =\n',
  `${PEER}PresharedKey =\n`,
  `${PEER}Endpoint =\n`,
  `${PEER}Endpoint = 192.0.2.1\n`,
  `${PEER}PersistentKeepalive = 65536\n`,
  `${PEER}AllowedIPs = 10.0.0.0/33\n`,
  `${PEER}AllowedIPs = 10.0.0.0/8,\n`,
  `${PEER}AllowedIPs = 10.1/16\n`,
  `${PEER}AllowedIPs = 10.0.0.0/8 10.1.0.0/16\n`,
];

/** Refused by wg, but seen in the wild and clear: read here, and reported by `peerage check`. */
const LENIENT = new Set(['; a comment of another kind']);

const { skip } = scenarioOptions();
for (const implementation of [wireguardGo, ...OURS])
  describe(`configurations of ${implementation.name}`, { skip: skip || (whyMissing(implementation) ?? false) }, () =>
    compareReaders(implementation),
  );

function compareReaders(implementation: Implementation): void {
  let lab: Lab;
  let host: Host;
  before(async () => {
    lab = await Lab.open();
    host = await lab.host('dolores');
    await startDaemon(host, implementation, 'wg0');
  });
  after(() => lab[Symbol.asyncDispose]());

  // wg opens the file by name, which it cannot do with the socket that is its standard input here.
  const setconf = async (text: string) =>
    host.run('sh', ['-c', 'cat >/run/tmp/wg0.conf && wg setconf wg0 /run/tmp/wg0.conf'], { input: text });
  const showconf = async () => parseConfigOrThrow(await host.output('wg', ['showconf', 'wg0']), { file: 'wg0' });

  for (const text of ACCEPTED)
    it(`are accepted by both, with one meaning: ${JSON.stringify(text)}`, async () => {
      const ours = parseConfigOrThrow(text, { file: 'wg0.conf' });
      assert.equal((await setconf(text)).exitCode, 0);
      assertSameMeaning(await showconf(), ours);
    });

  for (const text of REFUSED)
    it(`are refused by both: ${JSON.stringify(text)}`, async () => {
      const { exitCode, stderr } = await setconf(text);
      assert.equal(exitCode, 1);
      assert.match(stderr, /Configuration parsing error|missing a public key/);
      assert.equal('problems' in parseConfig(text, { file: 'wg0.conf' }), !LENIENT.has(text));
    });

  it('of all kinds are read by wg when we wrote them', async () => {
    for (const config of fc.sample(configs, 20)) {
      const { privateKey, listenPort, fwmark } = config.interface;
      // Names would be looked up.
      const peers = config.peers.map((peer) =>
        peer.endpoint && endpointAddress(peer.endpoint) ? peer : { ...peer, endpoint: undefined },
      );
      const written: Config = { interface: { ...EMPTY_INTERFACE, privateKey, listenPort, fwmark }, peers };
      const { exitCode, stderr } = await setconf(formatConfig(written));
      assert.equal(exitCode, 0, stderr);
      assertSameMeaning(await showconf(), written, { allowedIps: false });
    }
  });
}

/** What is absent from `ours` may be anything: wg leaves it as it was, or chooses. */
function assertSameMeaning(theirs: Config, ours: Config, options = { allowedIps: true }): void {
  const { privateKey, listenPort, fwmark } = ours.interface;
  if (privateKey !== undefined && !isNoKey(privateKey)) assert.ok(theirs.interface.privateKey);
  if (listenPort) assert.equal(theirs.interface.listenPort, listenPort);
  if (fwmark) assert.equal(theirs.interface.fwmark, fwmark);
  const normal = (config: Config): string[] => config.peers.map((peer) => normalPeer(peer, options)).sort();
  assert.deepEqual(normal(theirs), normal(ours));
}

function normalPeer(peer: PeerConfig, options: { allowedIps: boolean }): string {
  const prefixes = options.allowedIps ? peer.allowedIps.map((prefix) => formatCidr(maskCidr(prefix))).sort() : [];
  const psk = peer.presharedKey && !isNoKey(peer.presharedKey) ? formatKey(peer.presharedKey) : '';
  const endpoint = peer.endpoint && formatEndpoint(peer.endpoint);
  return [formatKey(peer.publicKey), psk, endpoint, peer.persistentKeepalive || 0, ...prefixes].join(' ');
}
