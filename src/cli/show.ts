/** `peerage show`: what running tunnels are doing, with the arguments and the output of `wg show`. */
import { UserError } from '../errors.ts';
import { formatCidr } from '../ip.ts';
import { formatKey, isNoKey } from '../keys.ts';
import type { TunnelState } from '../tunnel/state.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';
import { describeTunnel } from './tunnel.ts';
import { SHOW_FIELDS } from './wg/show-format.ts';
import { expectField, revealsKeys, showAll, showInterfaces, showOne } from './wg/show.ts';

export const addShow: AddCommand = (program, ports) => {
  const command = program
    .command('show')
    .description('show running tunnels, as wg(8) does')
    .argument('[interface]', 'an interface, "all" or "interfaces"', 'all')
    .argument('[field]', Object.keys(SHOW_FIELDS).join(' | '))
    .option('--json', 'for machines')
    .action(async (which: string, field: string | undefined, options: { json?: true }) => {
      if (field !== undefined) expectField(field);
      if (which === 'interfaces') return showInterfaces(ports);
      if (options.json === true) return showJson(ports, which);
      if (which !== 'all') return showOne(ports, which, field);
      const failures: UserError[] = [];
      await showAll(ports, field, (failure) => failures.push(failure));
      if (failures.length === 0) return;
      const remedy = failures.find((failure) => failure.remedy !== undefined)?.remedy;
      throw new UserError(failures.map(({ message }) => message).join('\n'), remedy === undefined ? {} : { remedy });
    });
  addExamples(command, [
    ['peerage show', 'every running tunnel'],
    ['peerage show wg0 latest-handshakes', 'one field of one tunnel'],
    ['peerage show all dump', 'all fields, separated by tabs'],
    ['WG_HIDE_KEYS=never peerage show wg0', 'with its private and preshared keys'],
  ]);
};

async function showJson(ports: Ports, which: string): Promise<void> {
  const names = which === 'all' ? await ports.uapi.interfaces() : [which];
  const tunnels = await Promise.all(names.map(async (name) => toJson(ports, name, await describeTunnel(ports, name))));
  ports.terminal.stdout(`${JSON.stringify(tunnels, undefined, 2)}\n`);
}

function toJson(ports: Ports, name: string, state: TunnelState): object {
  const reveal = revealsKeys(ports);
  return {
    name,
    publicKey: state.publicKey === undefined ? null : formatKey(state.publicKey),
    ...(reveal && state.privateKey !== undefined ? { privateKey: formatKey(state.privateKey) } : {}),
    listenPort: state.listenPort,
    fwmark: state.fwmark,
    peers: state.peers.map((peer) => ({
      publicKey: formatKey(peer.publicKey),
      hasPresharedKey: !isNoKey(peer.presharedKey),
      ...(reveal && !isNoKey(peer.presharedKey) ? { presharedKey: formatKey(peer.presharedKey) } : {}),
      endpoint: peer.endpoint?.toString() ?? null,
      allowedIps: peer.allowedIps.map(formatCidr),
      latestHandshake: peer.latestHandshakeMs === 0 ? null : new Date(peer.latestHandshakeMs).toISOString(),
      rxBytes: peer.rxBytes,
      txBytes: peer.txBytes,
      persistentKeepalive: peer.persistentKeepalive,
    })),
  };
}
