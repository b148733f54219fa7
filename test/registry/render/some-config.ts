/** Configurations to render: one with everything in it, and arbitrary ones. */
import { randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import type { FormatOptions } from '../../../src/registry/render/view.ts';
import type { HostConfig, PeerView } from '../../../src/registry/wire.ts';

export const OPTIONS: FormatOptions = { interface: 'wg0', registryUrl: 'https://vpn.example.net' };

/** A public key is any 32 bytes; nobody computes with these. */
const key = (): string => randomBytes(32).toString('base64');

/** With and without an endpoint, IPv4 and IPv6, with networks behind, with a hyphen in the name. */
export const CONFIG: HostConfig = {
  network: { name: 'home', suffix: 'vpn.example.net', ranges: ['10.1.2.0/24', 'fd00:1:2:3::/64'] },
  host: {
    name: 'dolores',
    publicKey: key(),
    addresses: ['10.1.2.3/24', 'fd00:1:2:3::3/64'],
    listenPort: 51000,
    endpoint: null,
    routes: [],
  },
  version: 7,
  peers: [
    peer({ name: 'maeve', endpoint: '[2001:db8::1]:51001', allowedIps: ['10.1.2.4/32', 'fd00:1:2:3::4/128'] }),
    peer({
      name: 'charlotte-2',
      endpoint: 'charlotte.example.net:51002',
      allowedIps: ['10.1.2.5/32', 'fd00:1:2:3::5/128', '172.27.88.0/24', 'fd99::/48'],
      persistentKeepalive: 0,
    }),
    peer({ name: 'teddy', endpoint: null, allowedIps: ['10.1.2.6/32'] }),
  ],
};

function peer(facts: Omit<PeerView, 'publicKey' | 'persistentKeepalive'> & Partial<PeerView>): PeerView {
  return { publicKey: key(), persistentKeepalive: 25, ...facts };
}

/** What would end a line, a quotation, a section, or begin a command, in one format or another. */
const HOSTILE = [
  '\n',
  '\r',
  '\u2028',
  '"',
  "'",
  '`',
  '$(reboot)',
  // oxlint-disable-next-line no-template-curly-in-string -- this is Nix's
  '${builtins.abort "x"}',
  '\\',
  ';',
  '#',
  ' ',
  '\0',
  '%i',
  ']\nPostUp = reboot',
  '{',
];

/** The configuration above with one text that holds something hostile. */
export const hostileConfigs: fc.Arbitrary<HostConfig> = fc
  .record({
    place: fc.constantFrom<(text: string) => HostConfig>(
      (text) => ({ ...CONFIG, network: { ...CONFIG.network, name: text } }),
      (text) => ({ ...CONFIG, network: { ...CONFIG.network, suffix: text } }),
      (text) => ({ ...CONFIG, network: { ...CONFIG.network, ranges: [text] } }),
      (text) => ({ ...CONFIG, host: { ...CONFIG.host, name: text } }),
      (text) => ({ ...CONFIG, host: { ...CONFIG.host, publicKey: text } }),
      (text) => ({ ...CONFIG, host: { ...CONFIG.host, endpoint: text } }),
      (text) => ({ ...CONFIG, host: { ...CONFIG.host, addresses: ['10.1.2.3/24', text] } }),
      (text) => ({ ...CONFIG, host: { ...CONFIG.host, routes: [text] } }),
      (text) => withPeer({ name: text }),
      (text) => withPeer({ publicKey: text }),
      (text) => withPeer({ endpoint: text }),
      (text) => withPeer({ allowedIps: ['10.1.2.4/32', text] }),
    ),
    before: fc.string(),
    hostile: fc.constantFrom(...HOSTILE),
    after: fc.string(),
  })
  .map(({ place, before, hostile, after }) => place(before + hostile + after));

function withPeer(facts: Partial<PeerView>): HostConfig {
  return { ...CONFIG, peers: [{ ...CONFIG.peers[0]!, ...facts }, ...CONFIG.peers.slice(1)] };
}
