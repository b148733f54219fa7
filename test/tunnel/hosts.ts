/** Two hosts with a tunnel each, on one network in this process. */
import { runtimeCrypto } from '../runtime/this-runtime.ts';
import type { ControlPlane } from '../../src/plane/control-plane.ts';
import { Device } from '../../src/device/device.ts';
import { parseAddress, parseCidr } from '../../src/ip.ts';
import { generatePrivateKey, type PrivateKey, type PublicKey } from '../../src/keys.ts';
import { silentLog, type Log } from '../../src/log.ts';
import { Endpoint } from '../../src/peer/endpoint.ts';
import { createHandshakeLog } from '../../src/tunnel/handshake-log.ts';
import { MemoryTun } from '../../src/tunnel/memory-tun.ts';
import { MemoryNetwork, type MemoryUdp } from '../../src/tunnel/memory-udp.ts';
import { Tunnel } from '../../src/tunnel/tunnel.ts';
import { seededRandom } from '../simulation/random.ts';
import { FakeTime } from './fake-time.ts';

export interface Host {
  tunnel: Tunnel;
  tun: MemoryTun;
  udp: MemoryUdp;
  privateKey: PrivateKey;
  publicKey: PublicKey;
}

export const A = { inner: '10.0.0.1', outer: '192.0.2.1', port: 1111 };
export const B = { inner: '10.0.0.2', outer: '192.0.2.2', port: 2222 };

/** Configured for each other, interfaces down. Only A knows the endpoint of B, and A has `plane` beside its Device. */
export function createHosts(
  log: Log = silentLog,
  plane?: ControlPlane,
): { a: Host; b: Host; time: FakeTime; network: MemoryNetwork } {
  const time = new FakeTime();
  const network = new MemoryNetwork();
  const random = seededRandom(7).bytes;
  const observe = createHandshakeLog(log, () => time.monotonic());
  const create = (name: string, outer: string, beside: { plane?: ControlPlane } = {}): Host => {
    const tun = new MemoryTun({ name });
    const udp = network.createUdp([parseAddress(outer)!]);
    const device = new Device({ crypto: runtimeCrypto, random, wall: () => time.wall(), observe, ...beside });
    const privateKey = generatePrivateKey(random);
    const publicKey = runtimeCrypto.publicKey(privateKey) as PublicKey; // 32 bytes
    return {
      tunnel: new Tunnel({ tun, udp, device, ...beside, clock: time, scheduler: time, log }),
      tun,
      udp,
      privateKey,
      publicKey,
    };
  };
  const a = create('a', A.outer, plane === undefined ? {} : { plane });
  const b = create('b', B.outer);
  const endpoint = Endpoint.from(parseAddress(B.outer)!, B.port);
  configure(a, A.port, { publicKey: b.publicKey, endpoint }, B.inner);
  configure(b, B.port, { publicKey: a.publicKey }, A.inner);
  return { a, b, time, network };
}

function configure(
  host: Host,
  listenPort: number,
  peer: { publicKey: PublicKey; endpoint?: Endpoint },
  inner: string,
): void {
  const allowedIps = [{ cidr: parseCidr(inner)! }];
  host.tunnel.configure({ privateKey: host.privateKey, listenPort, peers: [{ ...peer, allowedIps }] });
}

/** Everything that came out of a TUN since it was asked last. */
export function received(tun: MemoryTun): Uint8Array[] {
  const packets: Uint8Array[] = [];
  for (let packet = tun.receive(); packet !== undefined; packet = tun.receive()) packets.push(packet);
  return packets;
}
