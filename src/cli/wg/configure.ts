/** `setconf`, `addconf` and `syncconf`: a file becomes what a running tunnel is, is given in addition, or changes into. */
import { KEY_BYTES, formatKey, type PresharedKey } from '../../keys.ts';
import type { PeerChange } from '../../device/contract.ts';
import type { TunnelChange } from '../../tunnel/state.ts';
import type { Ports } from '../ports.ts';
import { syncChange } from '../sync-change.ts';
import { changeTunnel, describeTunnel } from '../tunnel.ts';
import { readWgConfig, type Source } from './read-config.ts';
import { readSetArguments } from './set-arguments.ts';
import { perrorOfTunnel } from './wg-error.ts';

const CANNOT_MODIFY = 'Unable to modify interface';

export async function set(ports: Ports, name: string, args: readonly string[]): Promise<void> {
  await modify(ports, name, await readSetArguments(ports, args));
}

export async function setconf(ports: Ports, name: string, source: Source): Promise<void> {
  await modify(ports, name, await readWgConfig(ports, source, { isAddition: false }));
}

export async function addconf(ports: Ports, name: string, source: Source): Promise<void> {
  await modify(ports, name, await readWgConfig(ports, source, { isAddition: true }));
}

/** Without disturbing the peers that stay. */
export async function syncconf(ports: Ports, name: string, source: Source): Promise<void> {
  const wanted = await readWgConfig(ports, source, { isAddition: false });
  const present = await perrorOfTunnel(ports, 'Unable to retrieve current interface configuration', () =>
    describeTunnel(ports, name),
  );
  await modify(ports, name, syncChange(present, withDefaults(wanted)));
}

async function modify(ports: Ports, name: string, change: TunnelChange): Promise<void> {
  await perrorOfTunnel(ports, CANNOT_MODIFY, () => changeTunnel(ports, name, change));
}

/** What a file does not say of a peer is switched off; what it says in another section of the same peer stays. */
function withDefaults(wanted: TunnelChange): TunnelChange {
  const seen = new Set<string>();
  const peers = (wanted.peers ?? []).map((peer): PeerChange => {
    const key = formatKey(peer.publicKey);
    if (seen.has(key)) return peer;
    seen.add(key);
    const noKey = new Uint8Array(KEY_BYTES) as PresharedKey; // all zero: none
    return { presharedKey: noKey, persistentKeepalive: 0, ...peer };
  });
  return { ...wanted, peers };
}
