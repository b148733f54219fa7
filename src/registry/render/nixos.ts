/** NixOS: a module for `imports`. The private key is read from a file on the host, and never comes into the store of Nix. */
import type { PeerView } from '../wire.ts';
import type { PlainConfig } from './plain.ts';
import { EXIT_TABLE, exitRoutes, familyOf, privateKeyFile, title, type FormatOptions } from './view.ts';

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
    ...exitOptions(config),
    '    peers = [',
    ...peers.flatMap(peerSet),
    '    ];',
    '  };',
    '}',
    '',
  ];
  return lines.join('\n');
}

/** All routes in a table of their own; the rules lead there as wg-quick(8) has it. */
function exitOptions(config: PlainConfig): string[] {
  const families = exitRoutes(config).map(familyOf);
  if (families.length === 0) return [];
  const rules = (verb: string) =>
    families.flatMap((family) => [
      `ip -${family} rule ${verb} not fwmark ${EXIT_TABLE} table ${EXIT_TABLE}`,
      `ip -${family} rule ${verb} table main suppress_prefixlength 0`,
    ]);
  return [
    `    table = "${EXIT_TABLE}";`,
    `    fwMark = "${EXIT_TABLE}";`,
    `    postSetup = "${rules('add').join('; ')}";`,
    `    postShutdown = "${rules('delete').join('; ')}";`,
  ];
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
