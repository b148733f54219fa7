/** NixOS: a module for `imports`. The private key is read from a file on the host, and never comes into the store of Nix. */
import type { PeerView } from '../wire.ts';
import type { PlainConfig } from './plain.ts';
import { privateKeyFile, title, type FormatOptions } from './view.ts';

export function renderNixos(config: PlainConfig, options: FormatOptions): string {
  const { host, peers } = config;
  const lines = [
    `# ${title(config)}`,
    '{',
    `  networking.firewall.allowedUDPPorts = [ ${host.listenPort} ];`,
    `  networking.wireguard.interfaces.${options.interface} = {`,
    `    ips = ${list(host.addresses)};`,
    `    listenPort = ${host.listenPort};`,
    `    privateKeyFile = "${privateKeyFile(options)}";`,
    '    peers = [',
    ...peers.flatMap(peerSet),
    '    ];',
    '  };',
    '}',
    '',
  ];
  return lines.join('\n');
}

function peerSet(peer: PeerView): string[] {
  return [
    '      {',
    `        name = "${peer.name}";`,
    `        publicKey = "${peer.publicKey}";`,
    ...(peer.endpoint === null ? [] : [`        endpoint = "${peer.endpoint}";`]),
    `        allowedIPs = ${list(peer.allowedIps)};`,
    ...(peer.persistentKeepalive === 0 ? [] : [`        persistentKeepalive = ${peer.persistentKeepalive};`]),
    '      }',
  ];
}

function list(texts: readonly string[]): string {
  return `[ ${texts.map((text) => `"${text}"`).join(' ')} ]`;
}
