/** What happens when a timer of section 6 runs out. The timers themselves are peer/timers.ts's. */
import type { MonotonicMs } from '../clock.ts';
import type { Peer } from '../peer/peer.ts';
import type { Timer } from '../peer/timers.ts';
import type { DeviceContext } from './context.ts';
import { initiate, sendInitiation, sendKeepalive } from './send.ts';

/** Runs every timer that is due. */
export function runTimeouts(device: DeviceContext, now: MonotonicMs): void {
  for (let peer = device.deadlines.due(now); peer !== undefined; peer = device.deadlines.due(now)) {
    const timer = peer.timers.takeExpired(now);
    if (timer !== undefined) runTimer(device, peer, timer, now);
  }
}

function runTimer(device: DeviceContext, peer: Peer, timer: Timer, now: MonotonicMs): void {
  switch (timer) {
    case 'retransmit-handshake':
      return retransmit(device, peer, now);
    case 'new-handshake':
      clearSource(device, peer); // perhaps replies are lost because our address is no longer ours
      return initiate(device, peer, now);
    case 'send-keepalive':
    case 'persistent-keepalive':
      return sendKeepalive(device, peer, now);
    case 'erase-keys':
      device.observe('keys-erased', peer.publicKey);
      return peer.eraseKeys();
  }
}

/** 6.4: again and again, until Rekey-Attempt-Time is over or somebody has something to send. */
function retransmit(device: DeviceContext, peer: Peer, now: MonotonicMs): void {
  if (peer.hasAttemptEnded(now)) {
    device.observe('given-up', peer.publicKey);
    peer.staged.clear();
    peer.timers.handshakeGivenUp(now);
    device.deadlines.update(peer);
    return;
  }
  clearSource(device, peer);
  sendInitiation(device, peer, now);
}

function clearSource(device: DeviceContext, peer: Peer): void {
  peer.endpoint?.clearSource();
  device.plane?.peerChanged(peer);
}
