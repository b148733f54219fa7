/** `peerage show`: what running tunnels are doing, with the arguments and the output of `wg show`. */
import { UserError } from '../errors.ts';
import { formatCidr } from '../ip.ts';
import { formatKey, isNoKey } from '../keys.ts';
import type { TunnelState } from '../tunnel/state.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './program.ts';
import { formatField, formatPretty, SHOW_FIELDS } from './show-format.ts';
import { describeTunnel } from './tunnel.ts';

export const addShow: AddCommand = (program, ports) => {
  const command = program
    .command('show')
    .description('show running tunnels, as wg(8) does')
    .argument('[interface]', 'an interface, "all" or "interfaces"', 'all')
    .argument('[field]', Object.keys(SHOW_FIELDS).join(' | '))
    .option('--json', 'for machines')
    .action(async (which: string, field: string | undefined, options: { json?: true }) => {
      if (field !== undefined && SHOW_FIELDS[field] === undefined)
        throw new UserError(`Invalid parameter: \`${field}'`, {
          remedy: `It is one of: ${Object.keys(SHOW_FIELDS).join(', ')}.`,
          exitCode: 2,
        });
      if (which === 'interfaces') return showInterfaces(ports);
      if (options.json === true) return showJson(ports, which);
      return which === 'all' ? showAll(ports, field) : showOne(ports, which, field);
    });
  addExamples(command, [
    ['peerage show', 'every running tunnel'],
    ['peerage show wg0 latest-handshakes', 'one field of one tunnel'],
    ['peerage show all dump', 'all fields, separated by tabs'],
    ['WG_HIDE_KEYS=never peerage show wg0', 'with its private and preshared keys'],
  ]);
};

async function showInterfaces(ports: Ports): Promise<void> {
  const names = await ports.uapi.interfaces();
  if (names.length > 0) ports.terminal.stdout(`${names.join(' ')}\n`);
}

async function showOne(ports: Ports, name: string, field: string | undefined): Promise<void> {
  const state = await describeTunnel(ports, name);
  ports.terminal.stdout(field === undefined ? pretty(ports, name, state) : formatField(field, state));
}

/** One tunnel that does not answer does not hide the others. */
async function showAll(ports: Ports, field: string | undefined): Promise<void> {
  const names = await ports.uapi.interfaces();
  const texts: string[] = [];
  let failure: UserError | undefined;
  for (const name of names) {
    try {
      // One after the other: the output keeps their order, and a host has few.
      const state = await describeTunnel(ports, name);
      texts.push(field === undefined ? pretty(ports, name, state) : formatField(field, state, name));
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      failure = new UserError(`Unable to access interface ${name}: ${error.message}`);
    }
  }
  ports.terminal.stdout(texts.join(field === undefined ? '\n' : ''));
  if (failure !== undefined) throw failure;
}

async function showJson(ports: Ports, which: string): Promise<void> {
  const names = which === 'all' ? await ports.uapi.interfaces() : [which];
  const tunnels = await Promise.all(names.map(async (name) => toJson(ports, name, await describeTunnel(ports, name))));
  ports.terminal.stdout(`${JSON.stringify(tunnels, undefined, 2)}\n`);
}

function pretty(ports: Ports, name: string, state: TunnelState): string {
  const mode = ports.processes.env['WG_COLOR_MODE'];
  const colour = mode === 'always' || (mode !== 'never' && ports.terminal.stdoutIsTerminal);
  return formatPretty(name, state, { now: ports.clock.wall(), colour, revealKeys: revealsKeys(ports) });
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

function revealsKeys(ports: Ports): boolean {
  return ports.processes.env['WG_HIDE_KEYS'] === 'never';
}
