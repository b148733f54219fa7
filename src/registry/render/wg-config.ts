/**
 * A host's configuration as text, for wg-quick(8) and for `wg syncconf`. Neither holds a private key: it never leaves its
 * host, so wg-quick reads it from a file there, and for syncconf the host puts it in front.
 */
import { perObject } from './per-object.ts';
import type { PeerView } from '../wire.ts';
import { expectOneLine, type PlainConfig } from './plain.ts';
import { title } from './view.ts';

/** wg-quick puts the interface's name for `%i`. */
const PRIVATE_KEY_FILE = '/etc/wireguard/%i.key';

/** For /etc/wireguard/NAME.conf. */
export function renderWgQuick(config: PlainConfig, options: { registryUrl: string; hostKey?: string }): string {
  const { host } = config;
  const interfaceLines = [
    `# ${title(config)}`,
    `# Registry = ${expectOneLine(options.registryUrl)}`,
    ...(options.hostKey === undefined ? [] : [`# HostKey = ${options.hostKey}`]),
    '',
    '[Interface]',
    `# The private key stays on this host, in the file that PostUp names; its public key is ${host.publicKey}`,
    `Address = ${host.addresses.join(', ')}`,
    `ListenPort = ${host.listenPort}`,
    `PostUp = wg set %i private-key ${PRIVATE_KEY_FILE}`,
  ];
  return `${interfaceLines.join('\n')}\n${renderPeers(config)}`;
}

/** For `wg syncconf`, after a section [Interface] with the private key. */
export function renderWg(config: PlainConfig): string {
  return `[Interface]\nListenPort = ${config.host.listenPort}\n${renderPeers(config)}`;
}

function renderPeers({ network, peers }: PlainConfig): string {
  return peers.map((peer) => renderPeer(peer, network.suffix)).join('');
}

/** Nearly every peer was in a list before. */
function renderPeer(peer: PeerView, suffix: string): string {
  const known = rendered(peer);
  if (known.suffix === suffix) return known.text;
  const lines = [
    '',
    '[Peer]',
    `# ${peer.name}.${suffix}`,
    `PublicKey = ${peer.publicKey}`,
    ...(peer.endpoint === null ? [] : [`Endpoint = ${peer.endpoint}`]),
    `AllowedIPs = ${peer.allowedIps.join(', ')}`,
    ...(peer.persistentKeepalive === 0 ? [] : [`PersistentKeepalive = ${peer.persistentKeepalive}`]),
    '',
  ];
  const text = lines.join('\n');
  Object.assign(known, { suffix, text });
  return text;
}

/** For the suffix of its network, of which there is one. */
const rendered = perObject<PeerView, { suffix?: string; text: string }>(() => ({ text: '' }));
