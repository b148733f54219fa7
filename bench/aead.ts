/**
 * `node bench/aead.ts` (bun, deno run -A): what sealing and opening a packet of 1,420 bytes costs with the providers that are
 * pure JavaScript and WebAssembly, in microseconds. The best of many short rounds, since other work makes rounds longer only.
 */
import { nobleCrypto } from '../src/crypto/noble.ts';
import { type CryptoProvider, TAG_BYTES } from '../src/crypto/port.ts';
import { createWasmCrypto } from '../src/crypto/wasm-aead.ts';

const BYTES = 1420;
const ROUNDS = 200;
const PACKETS = 50;

function microseconds(work: () => void): string {
  let best = Infinity;
  for (let round = 0; round < ROUNDS; round++) {
    const start = performance.now();
    for (let i = 0; i < PACKETS; i++) work();
    best = Math.min(best, performance.now() - start);
  }
  return ((best * 1000) / PACKETS).toFixed(2);
}

function measure(crypto: CryptoProvider): string[] {
  const aead = crypto.createAead(new Uint8Array(32).fill(1));
  const sealed = new Uint8Array(BYTES + TAG_BYTES);
  aead.seal(0, sealed, 0, BYTES);
  const buffer = sealed.slice();
  const seal = microseconds(() => aead.seal(1, buffer, 0, BYTES));
  const open = microseconds(() => {
    buffer.set(sealed);
    if (!aead.open(0, buffer, 0, BYTES)) throw new Error(`${crypto.name} does not open what it sealed`);
  });
  return [crypto.name, seal, open];
}

for (const crypto of [nobleCrypto, createWasmCrypto(nobleCrypto)]) {
  if (crypto) console.log(measure(crypto).join('  '));
}
