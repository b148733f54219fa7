/** A tunnel with many peers that all begin at the same moment, and go on at the same time. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { formatKey, generateKeyPair } from '../../../src/library/peerage.ts';
import { type Implementation, peerage, withThreads } from '../implementation.ts';
import { labOptions } from '../lab/requirements.ts';
import { formatEndpoint, INSIDE, openPair, OUTSIDE } from '../pair.ts';
import type { Order } from './programs/ping-from-many.ts';

const PROGRAM = fileURLToPath(new URL('programs/ping-from-many.ts', import.meta.url));
const PEERS = 40;
const ANSWERS = 100;
const TIMEOUT_MS = 300_000;

describe('a tunnel with forty peers at once', labOptions('wg', 'ip'), () => {
  for (const ours of [peerage, withThreads(peerage, 8)])
    it(`answers each of them, and mixes up nothing: ${ours.name}`, () => answerMany(ours));
});

async function answerMany(ours: Implementation): Promise<void> {
  await using pair = await openPair(peerage, ours);
  const { initiator, responder } = pair;
  const peers = Array.from({ length: PEERS }, (_, i) => ({ ...generateKeyPair(), address: `10.77.0.${i + 1}` }));
  await responder.setPeers(
    peers.map(({ publicKey, address }) => [formatKey(publicKey), { allowedIps: [`${address}/32`] }] as const),
  );
  await responder.host.run('ip', ['route', 'add', '10.77.0.0/24', 'dev', responder.interface]);
  const order: Order = {
    publicKey: responder.publicKey,
    endpoint: formatEndpoint(OUTSIDE.responder[4]),
    to: INSIDE.responder[4],
    peers: peers.map(({ privateKey, address }) => ({ privateKey: formatKey(privateKey), address })),
    answers: ANSWERS,
  };
  const options = { input: JSON.stringify(order), timeoutMs: TIMEOUT_MS };
  const bytes = JSON.parse(await initiator.host.output('node', [PROGRAM], options)) as number[]; // the program's
  const dump = await responder.host.output('wg', ['show', responder.interface, 'transfer']);
  const counted = new Map(dump.split('\n').map((line) => [line.split('\t')[0], line.split('\t').slice(1).map(Number)]));
  for (const [i, { publicKey }] of peers.entries()) {
    const [received = 0, sent = 0] = counted.get(formatKey(publicKey)) ?? [];
    assert.ok(bytes[i]! > 0);
    // Headers and tags come with each packet, so no more was answered than came, and no less than was counted.
    assert.ok(received >= bytes[i]! && sent >= bytes[i]!, `${received} and ${sent} of ${bytes[i]}`);
  }
}
