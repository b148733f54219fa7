/**
 * Two hosts on one network with a tunnel between them: the stage of most scenarios.
 */
import type { Implementation } from './implementation.ts';
import type { Host } from './lab/host.ts';
import { Lab } from './lab/lab.ts';
import type { Switch } from './lab/lab.ts';
import { Tunnel } from './tunnel.ts';
import type { PeerSettings, TunnelOptions } from './tunnel.ts';

export const PORT = 51_820;

/** Addresses on the network that both hosts are plugged into. */
export const OUTSIDE = {
  initiator: { 4: '192.0.2.1', 6: '2001:db8::1' },
  responder: { 4: '192.0.2.2', 6: '2001:db8::2' },
} as const;

/** Addresses in the tunnel. */
export const INSIDE = {
  initiator: { 4: '10.9.0.1', 6: 'fd09::1' },
  responder: { 4: '10.9.0.2', 6: 'fd09::2' },
} as const;

export type Family = 4 | 6;
export const FAMILIES: readonly Family[] = [4, 6];

export interface PairOptions {
  /** Of the outer addresses by which the two find each other. */
  outside?: Family;
  /** Of the tunnel. */
  mtu?: number;
  /** Of the network. */
  outsideMtu?: number;
  presharedKeys?: { initiator: string; responder: string };
  /** More options for one of the tunnels. */
  tunnels?: { initiator?: Partial<TunnelOptions>; responder?: Partial<TunnelOptions> };
}

export interface Pair extends AsyncDisposable {
  lab: Lab;
  network: Switch;
  initiator: Tunnel;
  responder: Tunnel;
}

/** Only the initiator knows the other's endpoint, so the first handshake can only be its own. */
export async function openPair(
  initiator: Implementation,
  responder: Implementation,
  options: PairOptions = {},
): Promise<Pair> {
  const lab = await Lab.open();
  try {
    const network = await lab.switch(options.outsideMtu === undefined ? {} : { mtu: options.outsideMtu });
    const left = await openTunnel(lab, network, 'initiator', initiator, options);
    const right = await openTunnel(lab, network, 'responder', responder, options);
    await left.setPeer(right, {
      ...peerSettings('responder', options.presharedKeys?.initiator),
      endpoint: formatEndpoint(OUTSIDE.responder[options.outside ?? 4]),
    });
    await right.setPeer(left, peerSettings('initiator', options.presharedKeys?.responder));
    const dispose = (): Promise<void> => lab[Symbol.asyncDispose]();
    return { lab, network, initiator: left, responder: right, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    await lab[Symbol.asyncDispose]();
    throw error;
  }
}

export function formatEndpoint(address: string, port = PORT): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
}

/** A host with addresses of both families on the network. */
export async function addHost(
  lab: Lab,
  network: Switch,
  name: string,
  addresses: Record<Family, string>,
): Promise<Host> {
  const host = await lab.host(name);
  await lab.connect(host, network, { addresses: [`${addresses[4]}/24`, `${addresses[6]}/64`] });
  return host;
}

async function openTunnel(
  lab: Lab,
  network: Switch,
  role: 'initiator' | 'responder',
  implementation: Implementation,
  options: PairOptions,
): Promise<Tunnel> {
  const host = await addHost(lab, network, role, OUTSIDE[role]);
  return Tunnel.open(host, implementation, {
    addresses: [`${INSIDE[role][4]}/24`, `${INSIDE[role][6]}/64`],
    listenPort: PORT,
    ...(options.mtu === undefined ? {} : { mtu: options.mtu }),
    ...options.tunnels?.[role],
  });
}

function peerSettings(role: 'initiator' | 'responder', presharedKey: string | undefined): PeerSettings {
  const allowedIps = [`${INSIDE[role][4]}/32`, `${INSIDE[role][6]}/128`];
  return presharedKey === undefined ? { allowedIps } : { allowedIps, presharedKey };
}
