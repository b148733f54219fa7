/**
 * Two tunnels whose datagrams travel over the loopback interface of one host, while their interfaces were moved to two other
 * hosts, which have no other way out: what a container behind a tunnel looks like.
 */
import type { Implementation } from '../implementation.ts';
import type { Host } from '../lab/host.ts';
import { Lab } from '../lab/lab.ts';
import { INSIDE, formatEndpoint } from '../pair.ts';
import type { Family } from '../pair.ts';
import { Tunnel } from '../tunnel.ts';

/** Ports on the loopback interface of the hub. */
const PORTS = { initiator: 10_001, responder: 10_002 } as const;

const LOOPBACK: Readonly<Record<Family, string>> = { 4: '127.0.0.1', 6: '::1' };

export interface Hub extends AsyncDisposable {
  lab: Lab;
  /** Where both daemons and their sockets are. */
  host: Host;
  initiator: Tunnel;
  responder: Tunnel;
}

/** Only the initiator knows an endpoint. */
export async function openHub(
  initiator: Implementation,
  responder: Implementation,
  options: { outside?: Family; mtu?: number } = {},
): Promise<Hub> {
  const lab = await Lab.open();
  try {
    const host = await lab.host('hub');
    const left = await openTunnel(lab, host, 'initiator', initiator, options.mtu);
    const right = await openTunnel(lab, host, 'responder', responder, options.mtu);
    await right.setPeer(left, { allowedIps: allowedIps('initiator') });
    const endpoint = formatEndpoint(LOOPBACK[options.outside ?? 4], PORTS.responder);
    await left.setPeer(right, { allowedIps: allowedIps('responder'), endpoint });
    const dispose = (): Promise<void> => lab[Symbol.asyncDispose]();
    return { lab, host, initiator: left, responder: right, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

/** Everything that the host of this role may send. */
function allowedIps(role: keyof typeof INSIDE): string[] {
  return [`${INSIDE[role][4]}/32`, `${INSIDE[role][6]}/128`];
}

/** Whether the daemon has its socket, which it has while the interface is up. */
export async function isListening({ host, options }: Tunnel): Promise<boolean> {
  return (await host.output('ss', ['-Hlnu', `sport = :${options.listenPort}`])) !== '';
}

async function openTunnel(
  lab: Lab,
  hub: Host,
  role: keyof typeof INSIDE,
  implementation: Implementation,
  mtu: number | undefined,
): Promise<Tunnel> {
  return Tunnel.open(hub, implementation, {
    interface: role === 'initiator' ? 'wg1' : 'wg2',
    moveTo: await lab.host(role),
    addresses: [`${INSIDE[role][4]}/24`, `${INSIDE[role][6]}/64`],
    listenPort: PORTS[role],
    ...(mtu === undefined ? {} : { mtu }),
  });
}
