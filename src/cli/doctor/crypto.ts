/**
 * Which crypto provider a tunnel takes that starts now, and how fast it is here: measured with what a tunnel really does. One that
 * runs may have been told to take another, and nobody can ask it.
 */
import { TAG_BYTES, type CryptoProvider } from '../../crypto/port.ts';
import { KEY_BYTES, type PresharedKey, type PrivateKey } from '../../keys.ts';
import {
  consumeInitiation,
  consumeResponse,
  createInitiation,
  createRemoteStatic,
  createResponse,
  createStaticKeys,
} from '../../noise/handshake.ts';
import { TIMESTAMP_BYTES } from '../../noise/messages.ts';
import type { Ports } from '../ports.ts';
import { about, type Finding } from './finding.ts';

const PACKET_BYTES = 1420;
/** Calls that take longer together than the clock's own grain. */
const BATCH = 16;
const MEASURE_MS = 150;
/** A gigabit per second is 88,000 packets of this size: a slower provider is the bottleneck of most hosts. */
const SLOW_SEAL_NS = 11_000;

export interface CryptoFacts {
  provider: string;
  sealNs: number;
  handshakesPerSecond: number;
}

export function measureCrypto(crypto: CryptoProvider, { random, clock }: Pick<Ports, 'random' | 'clock'>): CryptoFacts {
  const aead = crypto.createAead(random(KEY_BYTES));
  const packet = new Uint8Array(PACKET_BYTES + TAG_BYTES);
  let counter = 0;
  const seal = (): void => aead.seal(counter++, packet, 0, PACKET_BYTES);
  const handshake = createHandshake(crypto, random);
  const facts = {
    provider: crypto.name,
    sealNs: Math.round(1e6 * measure(clock, seal)),
    handshakesPerSecond: Math.round(1000 / measure(clock, handshake)),
  };
  aead.destroy();
  return facts;
}

export function checkCrypto({ provider, sealNs, handshakesPerSecond }: CryptoFacts): Finding[] {
  const gigabits = ((8 * PACKET_BYTES) / sealNs).toFixed(1);
  const path = provider === 'libcrypto' ? 'with a thread for each direction' : 'with one thread for everything';
  const what =
    `crypto provider "${provider}" for a tunnel that starts now, ${path}: ${sealNs} ns for a packet of ${PACKET_BYTES} bytes ` +
    `(${gigabits} Gbit/s on one core), ${handshakesPerSecond} handshakes/s`;
  const report = about('crypto');
  if (sealNs <= SLOW_SEAL_NS) return [report('ok', what)];
  const remedy =
    provider === 'libcrypto'
      ? 'top   # see what else takes the processor'
      : 'apt install libssl3   # OpenSSL is the fastest';
  return [report('warning', `${what}: slow`, remedy)];
}

/** Milliseconds of one call: of the fastest of many short batches, so that whatever else the machine does counts little. */
function measure(clock: Ports['clock'], work: () => void): number {
  const start = clock.monotonic();
  let fastest = Infinity;
  let now = start;
  do {
    const before = now;
    for (let i = 0; i < BATCH; i++) work();
    now = clock.monotonic();
    if (now > before) fastest = Math.min(fastest, (now - before) / BATCH);
  } while (now - start < MEASURE_MS || fastest === Infinity);
  return fastest;
}

/** Both halves of a handshake, half of which each host does: two hosts in one. */
function createHandshake(crypto: CryptoProvider, random: Ports['random']): () => void {
  const key = (): PrivateKey => random(KEY_BYTES) as PrivateKey; // any 32 bytes are one
  const noPresharedKey = new Uint8Array(KEY_BYTES) as PresharedKey;
  const [here, there] = [createStaticKeys(crypto, key()), createStaticKeys(crypto, key())];
  const toThere = createRemoteStatic(crypto, here, there.publicKey, noPresharedKey)!; // no low-order key is derived
  const toHere = createRemoteStatic(crypto, there, here.publicKey, noPresharedKey)!;
  const timestamp = new Uint8Array(TIMESTAMP_BYTES);
  return () => {
    const sent = createInitiation(crypto, here, toThere, { senderIndex: 1, ephemeralPrivate: key(), timestamp });
    const received = consumeInitiation(crypto, there, sent.message, () => toHere)!; // made for it
    const answer = { senderIndex: 2, ephemeralPrivate: key() };
    const { message } = createResponse(crypto, received.handshake, toHere, answer);
    consumeResponse(crypto, here, toThere, sent.handshake, message);
  };
}
