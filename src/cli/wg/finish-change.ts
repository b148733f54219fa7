/** From what was read to what a tunnel is told. */
import type { PeerChange } from '../../device/contract.ts';
import type { TunnelChange } from '../../tunnel/state.ts';
import type { TunnelDraft } from './settings.ts';
import { WgError } from './wg-error.ts';

export function finishChange(tunnel: TunnelDraft): TunnelChange {
  const peers = tunnel.peers.map(({ publicKey, ...rest }): PeerChange => {
    if (publicKey === undefined) throw new WgError('A peer is missing a public key');
    // Of a peer that goes nothing else counts.
    return rest.remove === true ? { publicKey, remove: true } : { publicKey, ...rest };
  });
  return { ...tunnel, peers };
}
