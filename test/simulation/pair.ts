/** Two hosts that know each other, on a network that is perfect unless a test says otherwise. */
import { runtimeCrypto } from '../runtime/this-runtime.ts';
import { parseAddress } from '../../src/ip.ts';
import { Endpoint } from '../../src/peer/endpoint.ts';
import { Network, type Host, type HostOptions, type NetworkOptions } from './network.ts';

export interface PairOptions extends Partial<NetworkOptions> {
  a?: Partial<HostOptions>;
  b?: Partial<HostOptions>;
}

export interface Pair {
  network: Network;
  /** 192.0.2.1 outside, 10.0.0.1 inside. */
  alice: Host;
  /** 198.51.100.2 outside, 10.0.0.2 inside. */
  bob: Host;
}

/** Every datagram takes 10 ms. No handshake yet. */
export function createPair({ a, b, ...options }: PairOptions = {}): Pair {
  const network = new Network({ crypto: runtimeCrypto, seed: 1, delayMs: [10, 10], ...options });
  const alice = network.addHost({ outer: '192.0.2.1', inner: '10.0.0.1', ...a });
  const bob = network.addHost({ outer: '198.51.100.2', inner: '10.0.0.2', ...b });
  network.connect(alice, bob);
  return { network, alice, bob };
}

/** The same with a session that Alice has initiated, at 100 ms. */
export function createSession(options: PairOptions = {}): Pair {
  const pair = createPair(options);
  pair.network.send(pair.alice, pair.bob);
  pair.network.runUntil(100);
  return pair;
}

export function endpointOf(address: string, port = 51820): Endpoint {
  return Endpoint.from(parseAddress(address)!, port);
}
