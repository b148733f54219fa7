/** Random configurations for property tests. */
import * as fc from 'fast-check';
import type { Config, ConfigEndpoint, InterfaceConfig, PeerConfig } from '../../src/config/config.ts';
import { addressFromBytes, cidr, formatAddress, type Cidr } from '../../src/ip.ts';
import type { PresharedKey, PrivateKey, PublicKey } from '../../src/keys.ts';

const key = fc.uint8Array({ minLength: 32, maxLength: 32 });
const publicKey = key.map((bytes) => bytes as PublicKey); // 32 bytes, as the brand says
const privateKey = key.map((bytes) => bytes as PrivateKey);
const presharedKey = key.map((bytes) => bytes as PresharedKey);
const port = fc.integer({ min: 1, max: 65535 });
const seconds = fc.integer({ min: 0, max: 65535 });

const address = fc
  .oneof(fc.uint8Array({ minLength: 4, maxLength: 4 }), fc.uint8Array({ minLength: 16, maxLength: 16 }))
  .map(addressFromBytes);
const prefix: fc.Arbitrary<Cidr> = address.chain((of) =>
  fc.integer({ min: 0, max: of.family === 4 ? 32 : 128 }).map((length) => cidr(of, length)),
);
const word = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?$/);
const domain = fc.array(word, { minLength: 1, maxLength: 4 }).map((labels) => labels.join('.'));
const hook = fc.stringMatching(/^[!-"$-~]([ -"$-~]{0,40}[!-"$-~])?$/); // printable, no #, no spaces at the ends
const endpoint: fc.Arbitrary<ConfigEndpoint> = fc.record({ host: fc.oneof(domain, address.map(formatAddress)), port });

const maybe = <T>(of: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(of, { nil: undefined });
const hooks = fc.array(hook, { maxLength: 3 });

const interfaceConfig: fc.Arbitrary<InterfaceConfig> = fc.record({
  privateKey: maybe(privateKey),
  listenPort: maybe(fc.integer({ min: 0, max: 65535 })),
  fwmark: maybe(fc.integer({ min: 0, max: 0xffff_ffff })),
  addresses: fc.array(prefix, { maxLength: 3 }),
  dns: fc.array(fc.oneof(domain, address.map(formatAddress)), { maxLength: 3 }),
  mtu: maybe(fc.integer({ min: 68, max: 65535 })),
  table: maybe(fc.constantFrom('off', 'auto', '51820', 'main')),
  preUp: hooks,
  postUp: hooks,
  preDown: hooks,
  postDown: hooks,
  saveConfig: fc.boolean(),
});

const peerConfig: fc.Arbitrary<PeerConfig> = fc.record({
  publicKey,
  presharedKey: maybe(presharedKey),
  allowedIps: fc.uniqueArray(prefix, { maxLength: 4, selector: String }),
  endpoint: maybe(endpoint),
  persistentKeepalive: maybe(seconds),
});

/** Peers with distinct public keys. */
export const peerConfigs = fc.uniqueArray(peerConfig, { maxLength: 5, selector: (peer) => peer.publicKey.join() });

export const configs: fc.Arbitrary<Config> = fc.record({ interface: interfaceConfig, peers: peerConfigs });
