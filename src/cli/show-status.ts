/** Gathers what the registry, the agent and the tunnel say of a joined interface, and shows it. */
import { exitState, isDeadEnd } from '../agent/held-exit.ts';
import { UserError } from '../errors.ts';
import { formatKey } from '../keys.ts';
import type { TunnelState } from '../tunnel/state.ts';
import { findAgent, lineToStart, readAgentStatus, type AgentStatus } from './agent-process.ts';
import { askAboutSelf, type AboutSelf } from './ask-about-self.ts';
import { expectInterfaceName } from './config-file.ts';
import { describeExit, readExit } from './exit-choice.ts';
import { expectRoot } from './interface-up.ts';
import { listMemberships, readMembership, type Membership } from './membership.ts';
import type { Ports } from './ports.ts';
import { createStyle } from './style.ts';
import { formatTable } from './table.ts';
import { describeTunnel } from './tunnel.ts';
import { formatAgo, formatBytes } from './wg/show-format.ts';

/** A person is waiting. */
const ANSWER_MS = 5000;

interface Status {
  interface: string;
  host: string;
  network: string;
  addresses: readonly string[];
  isUp: boolean;
  registry: { url: string } & Omit<AboutSelf, 'config'>;
  agent: { isRunning: boolean; state?: AgentStatus['state']; lastAnswer?: string };
  exit: { name: string | null; state: ReturnType<typeof exitState> };
  /** Undefined when the registry does not say. */
  requestedRoutes?: readonly string[];
  /** What of the registry's list the agent does not follow. */
  notes: readonly string[];
  peers: readonly PeerStatus[];
}

interface PeerStatus {
  name: string;
  publicKey: string;
  allowedIps: readonly string[];
  endpoint: string | null;
  latestHandshakeMs: number;
  rxBytes: number;
  txBytes: number;
}

export async function showStatus(ports: Ports, only: string | undefined, options: { json?: true }): Promise<void> {
  expectRoot(ports, 'status');
  if (only !== undefined) expectInterfaceName(only);
  const names = only === undefined ? await listMemberships(ports) : [only];
  const all = await Promise.all(names.map((name) => gather(ports, name)));
  if (options.json === true) {
    ports.terminal.stdout(`${JSON.stringify(all.map(toJson), undefined, 2)}\n`);
    return;
  }
  if (all.length === 0) ports.terminal.stderr('This host is in no network. To join one: peerage join HOST/TOKEN\n');
  ports.terminal.stdout(all.map((status) => describe(ports, status)).join('\n'));
}

async function gather(ports: Ports, name: string): Promise<Status> {
  const membership = await readMembership(ports, name);
  if (membership === undefined)
    throw new UserError(`"${name}" has not joined a network`, { remedy: 'For other tunnels: peerage show' });
  const isUp = (await ports.uapi.interfaces()).includes(name);
  const exit = await readExit(ports, name);
  const [{ config, ...answer }, agentPid, agent, tunnel] = await Promise.all([
    askAboutSelf(ports, membership, ANSWER_MS),
    findAgent(ports, name),
    readAgentStatus(ports, name),
    isUp ? describeTunnel(ports, name) : undefined,
  ]);
  return {
    interface: name,
    host: membership.host,
    network: membership.network,
    addresses: membership.addresses,
    isUp,
    registry: { url: membership.registry, ...answer },
    agent: {
      isRunning: agentPid !== undefined,
      ...(agent === undefined ? {} : { state: agent.state }),
      ...(agent?.lastAnswer === undefined ? {} : { lastAnswer: agent.lastAnswer }),
    },
    exit: { name: exit ?? null, state: exitState(membership.peers, exit) },
    ...(config === undefined ? {} : { requestedRoutes: config.host.requestedRoutes ?? [] }),
    notes: agentPid === undefined ? [] : (agent?.notes ?? []),
    peers: membership.peers.filter((peer) => !isDeadEnd(peer)).map((peer) => peerStatus(peer, tunnel)),
  };
}

function peerStatus(peer: Membership['peers'][number], tunnel: TunnelState | undefined): PeerStatus {
  const state = tunnel?.peers.find((other) => formatKey(other.publicKey) === peer.publicKey);
  return {
    name: peer.name,
    publicKey: peer.publicKey,
    allowedIps: peer.allowedIps,
    endpoint: state?.endpoint?.toString() ?? peer.endpoint,
    latestHandshakeMs: state?.latestHandshakeMs ?? 0,
    rxBytes: state?.rxBytes ?? 0,
    txBytes: state?.txBytes ?? 0,
  };
}

function toJson({ peers, ...status }: Status): object {
  return {
    ...status,
    peers: peers.map(({ latestHandshakeMs, ...peer }) => ({
      ...peer,
      latestHandshake: latestHandshakeMs === 0 ? null : new Date(latestHandshakeMs).toISOString(),
    })),
  };
}

function describe(ports: Ports, status: Status): string {
  const { bold, green, red, yellow, dim } = createStyle(ports.terminal.stdoutIsTerminal);
  const now = ports.clock.wall();
  const { registry, agent } = status;
  const paint = { reachable: green, unreachable: yellow, refused: red }[registry.state];
  const lastAnswer =
    agent.lastAnswer === undefined ? '' : `, last answer ${formatAgo(Date.parse(agent.lastAnswer), now).toLowerCase()}`;
  const remedy =
    registry.state === 'refused'
      ? `peerage leave --force ${status.interface}, then peerage join with a new token`
      : status.isUp
        ? lineToStart(status.interface, registry.url)
        : `peerage up ${status.interface}`;
  const lines = [
    `${bold(status.interface)}: ${status.host} in ${status.network}, ${status.isUp ? green('up') : red('down')}`,
    `  addresses  ${status.addresses.join(', ')}`,
    `  registry   ${registry.url}, ${paint(registry.state)}${registry.reason === undefined ? '' : `: ${registry.reason}`}`,
    `  agent      ${agent.isRunning ? `${green('running')}${lastAnswer}` : `${red('not running')}: ${remedy}`}`,
  ];
  const { name: exit, state } = status.exit;
  if (exit !== null) lines.push(`  exit       ${state === 'in use' ? exit : red(describeExit(exit, state))}`);
  const waiting = status.requestedRoutes ?? [];
  if (waiting.length > 0) lines.push(`  waiting    ${waiting.join(', ')}: for an administrator to approve`);
  for (const note of status.notes) lines.push(`  note       ${note}`);
  const rows = status.peers.map((peer) => [
    peer.name,
    peer.allowedIps.join(' '),
    peer.endpoint ?? dim('unknown'),
    peer.latestHandshakeMs === 0 ? dim('never') : formatAgo(peer.latestHandshakeMs, now).toLowerCase(),
    `${formatBytes(peer.rxBytes)} in, ${formatBytes(peer.txBytes)} out`,
  ]);
  const columns = ['Peer', 'Allowed IPs', 'Endpoint', 'Latest handshake', 'Transfer'].map((title) => ({ title }));
  const table = rows.length === 0 ? 'No peers yet.\n' : formatTable(columns, rows, ports.terminal.columns);
  return `${lines.join('\n')}\n\n${table}`;
}
