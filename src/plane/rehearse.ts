/**
 * A handshake between two Devices with throw-away keys, in this thread's memory and nowhere else, before the real one: engines
 * compile what is called, and the first handshake of a process takes ten times as long as the hundredth. The first packet of a
 * tunnel would wait for that; this is done while the workers start, when this thread has nothing else to do.
 */
import type { Clock, MonotonicMs, RandomBytes } from '../clock.ts';
import type { CryptoProvider } from '../crypto/port.ts';
import { HEADROOM, type HandshakeStep, TAILROOM } from '../device/contract.ts';
import { Device } from '../device/device.ts';
import { parseAddress, parseCidr } from '../ip.ts';
import { generatePrivateKey, type PrivateKey, type PublicKey } from '../keys.ts';
import { Endpoint } from '../peer/endpoint.ts';
import { ControlPlane, type PlaneCiphers } from './control-plane.ts';
import { createPlaneMemory } from './plane-memory.ts';

const LIMITS = { peers: 1, routeNodes: 64, ringBytes: 1024 };
/** IPv4, from nobody to 192.0.2.1, without contents. */
const PACKET = Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1);

export interface RehearsalParts {
  /** Makes AEADs that `ciphers` knows. */
  readonly crypto: CryptoProvider;
  readonly ciphers: PlaneCiphers;
  readonly clock: Clock;
  readonly random: RandomBytes;
}

interface Side {
  readonly device: Device;
  readonly plane: ControlPlane;
  readonly endpoint: Endpoint;
}

/** Whether the handshake was completed: it is, or something is wrong. Every key is erased. */
export function rehearse({ crypto, ciphers, clock, random }: RehearsalParts): boolean {
  const keys = [generatePrivateKey(random), generatePrivateKey(random)] as const;
  const publicKeys = keys.map((key) => crypto.publicKey(key) as PublicKey); // 32 bytes, by the port
  const now = clock.monotonic();
  let isComplete = false;
  const open = (privateKey: PrivateKey, peer: PublicKey, port: number): Side => {
    const plane = new ControlPlane(createPlaneMemory(LIMITS), ciphers, { isGone: () => true });
    const observe = (step: HandshakeStep): void => {
      isComplete ||= step === 'response-received';
    };
    const device = new Device({ crypto, random, plane, observe, wall: () => clock.wall(), isUnderLoad: () => false });
    const endpoint = Endpoint.from(parseAddress('192.0.2.1')!, 1);
    device.configure(
      { privateKey, peers: [{ publicKey: peer, endpoint, allowedIps: [{ cidr: parseCidr('192.0.2.1')! }] }] },
      now,
    );
    device.handleLinkUp(now);
    privateKey.fill(0);
    return { device, plane, endpoint: Endpoint.from(parseAddress('192.0.2.1')!, port) };
  };
  const initiator = open(keys[0], publicKeys[1]!, 1);
  const responder = open(keys[1], publicKeys[0]!, 2);
  const buffer = new Uint8Array(HEADROOM + PACKET.length + TAILROOM);
  buffer.set(PACKET, HEADROOM);
  initiator.device.handlePacket(buffer, HEADROOM, PACKET.length, now);
  carry(initiator, responder, now); // the initiation
  carry(responder, initiator, now); // the response
  carry(initiator, responder, now); // the packet, which is sealed now
  for (const { device, plane } of [initiator, responder]) {
    device.close();
    plane.publishSending(); // frees the contexts
  }
  return isComplete;
}

/** What one of them wants sent reaches the other, in the steps of the tunnel's loop. */
function carry(from: Side, to: Side, now: MonotonicMs): void {
  from.plane.publishReceiving();
  for (let output = from.device.poll(); output !== undefined; output = from.device.poll())
    if (output.type === 'datagram')
      to.device.handleDatagram(output.buffer, output.offset, output.length, from.endpoint, 0, now);
  from.plane.publishSending();
}
