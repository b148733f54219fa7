/**
 * What wg(8) can set, once for both of its grammars: `listen-port 51820` on the command line and `ListenPort = 51820` in
 * a file.
 */
import type { AllowedIpChange, PeerChange } from '../../device/contract.ts';
import { isNoKey, parsePresharedKey, parsePrivateKey, parsePublicKey, type PublicKey } from '../../keys.ts';
import type { TunnelChange } from '../../tunnel/state.ts';
import type { Ports } from '../ports.ts';
import { readEndpoint } from './read-endpoint.ts';
import { readAllowedIps, readFwmark, readKeepalive, readKey, readPort } from './values.ts';

export type SettingPorts = Pick<Ports, 'files' | 'names' | 'processes' | 'services' | 'terminal'>;

type Draft<T> = { -readonly [K in keyof T]: T[K] };
export type TunnelDraft = Draft<Omit<TunnelChange, 'peers'>> & { peers: PeerDraft[] };
/** In a file the key may come last, or never. */
export type PeerDraft = Draft<Omit<PeerChange, 'publicKey' | 'allowedIps'>> & {
  publicKey?: PublicKey;
  allowedIps?: AllowedIpChange[];
};

interface Setting<Target> {
  /** On the command line; absent when it has another place there. */
  argument?: string;
  /** In a file, before the `=`. */
  key: string;
  /** On the command line it is the name of a file, since everybody may read command lines. */
  isInFile?: true;
  put(target: Target, text: string, ports: SettingPorts): void | Promise<void>;
}

/** A setting and what it is put into. */
export interface BoundSetting {
  isInFile: boolean;
  put(text: string): void | Promise<void>;
}

const TUNNEL_SETTINGS: readonly Setting<TunnelDraft>[] = [
  {
    argument: 'listen-port',
    key: 'ListenPort',
    put: async (tunnel, text, ports) => void (tunnel.listenPort = await readPort(ports, text)),
  },
  { argument: 'fwmark', key: 'FwMark', put: (tunnel, text) => void (tunnel.fwmark = readFwmark(text)) },
  {
    argument: 'private-key',
    key: 'PrivateKey',
    isInFile: true,
    put(tunnel, text) {
      const key = readKey(text, parsePrivateKey, { isSecret: true });
      tunnel.privateKey = isNoKey(key) ? null : key;
    },
  },
];

const PEER_SETTINGS: readonly Setting<PeerDraft>[] = [
  { key: 'PublicKey', put: (peer, text) => void (peer.publicKey = readKey(text, parsePublicKey)) },
  {
    argument: 'preshared-key',
    key: 'PresharedKey',
    isInFile: true,
    put: (peer, text) => void (peer.presharedKey = readKey(text, parsePresharedKey, { isSecret: true })),
  },
  {
    argument: 'endpoint',
    key: 'Endpoint',
    put: async (peer, text, ports) => void (peer.endpoint = await readEndpoint(ports, text)),
  },
  {
    argument: 'persistent-keepalive',
    key: 'PersistentKeepalive',
    put: (peer, text) => void (peer.persistentKeepalive = readKeepalive(text)),
  },
  {
    argument: 'allowed-ips',
    key: 'AllowedIPs',
    put(peer, text, { terminal }) {
      peer.replaceAllowedIps = true;
      peer.allowedIps ??= [];
      const warn = (message: string): void => terminal.stderr(message);
      for (const cidr of readAllowedIps(text, warn)) peer.allowedIps.push({ cidr });
    },
  },
];

/** The setting of this name in one of the grammars: of the peer if there is one, else of the tunnel. */
export function findSetting(
  target: { tunnel: TunnelDraft; peer: PeerDraft | undefined },
  name: { argument: string } | { key: string },
  ports: SettingPorts,
): BoundSetting | undefined {
  const { tunnel, peer } = target;
  return peer === undefined ? bind(TUNNEL_SETTINGS, tunnel, name, ports) : bind(PEER_SETTINGS, peer, name, ports);
}

function bind<Target>(
  settings: readonly Setting<Target>[],
  target: Target,
  name: { argument: string } | { key: string },
  ports: SettingPorts,
): BoundSetting | undefined {
  const setting = settings.find((setting) =>
    'argument' in name ? setting.argument === name.argument : setting.key.toLowerCase() === name.key.toLowerCase(),
  );
  return setting && { isInFile: setting.isInFile === true, put: (text) => setting.put(target, text, ports) };
}
