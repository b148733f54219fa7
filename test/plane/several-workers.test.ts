/** What two workers for each direction read of a Device, and what it hears of them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { Aead } from '../../src/crypto/port.ts';
import { Device } from '../../src/device/device.ts';
import { parseAddress, parseCidr } from '../../src/ip.ts';
import { generatePrivateKey, type PublicKey } from '../../src/keys.ts';
import { TYPE_INITIATION } from '../../src/noise/messages.ts';
import { Endpoint } from '../../src/peer/endpoint.ts';
import { ControlPlane } from '../../src/plane/control-plane.ts';
import { createPlaneMemory, WANTED, wordOf } from '../../src/plane/plane-memory.ts';
import { ReceiveTable } from '../../src/plane/receive-table.ts';
import { RingWriter } from '../../src/plane/ring.ts';
import { SendTable } from '../../src/plane/send-table.ts';
import { seededRandom } from '../simulation/random.ts';
import { drain, wordsOf } from './device-words.ts';

const NOW = 1_000_000;
const HERE = Endpoint.from(parseAddress('192.0.2.1')!, 1111);
const THERE = Endpoint.from(parseAddress('192.0.2.2')!, 2222);
const ELSEWHERE = Endpoint.from(parseAddress('198.51.100.7')!, 7);
const FURTHER = Endpoint.from(parseAddress('198.51.100.8')!, 8);
/** A packet from 10.0.0.1 to 10.0.0.2. */
const PACKET = Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);

/** Two Devices that have met; the first one has workers. */
function createStage() {
  const random = seededRandom(7).bytes;
  const memory = createPlaneMemory({ peers: 2, routeNodes: 64, ringBytes: 1024 }, { outbound: 2, inbound: 2 });
  const aeads = new Map<Aead, number>();
  const contextOf = (aead: Aead, index: number): number => {
    if (!aeads.has(aead)) aeads.set(aead, 10 * (aeads.size + 1));
    return aeads.get(aead)! + index;
  };
  const plane = new ControlPlane(memory, { contextOf, freeDestroyed() {} }, { isGone: () => false });
  let now = NOW;
  const options = { crypto: nobleCrypto, random, wall: () => now };
  const ours = new Device({ ...options, plane });
  const theirs = new Device(options);
  const keys = [generatePrivateKey(random), generatePrivateKey(random)] as const;
  const publicKeys = keys.map((key) => nobleCrypto.publicKey(key) as PublicKey); // 32 bytes
  for (const [device, own, address, endpoint] of [
    [ours, 0, '10.0.0.2', THERE],
    [theirs, 1, '10.0.0.1', HERE],
  ] as const) {
    const peer = { publicKey: publicKeys[1 - own]!, endpoint, allowedIps: [{ cidr: parseCidr(address)! }] };
    device.configure({ privateKey: keys[own], peers: [peer] }, NOW);
    device.handleLinkUp(NOW);
  }
  const send = [0, 1].map((worker) => new SendTable(memory, worker, new RingWriter(memory.workers[worker]!.ring)));
  const receive = [2, 3].map((worker) => new ReceiveTable(memory, worker));
  let generation = 0;
  /** New keys, which we ask for; the row of theirs that we receive under. */
  function shakeHands(): number {
    now += 1000; // an initiation that is not later than the last one is a replay
    const packet = new Uint8Array(128);
    packet.set(PACKET, 16);
    ours.handlePacket(packet, 16, PACKET.length, now);
    let localIndex = -1;
    for (let isQuiet = false; !isQuiet;) {
      plane.publishReceiving();
      const [toThem, toUs] = [drain(ours), drain(theirs)];
      plane.publishSending();
      for (const bytes of toThem) {
        if (bytes[0] === TYPE_INITIATION) localIndex = new DataView(bytes.buffer).getUint32(4, true);
        theirs.handleDatagram(bytes, 0, bytes.length, HERE, 0, now);
      }
      for (const bytes of toUs) if (bytes[0] !== 4) ours.handleDatagram(bytes, 0, bytes.length, THERE, 0, now);
      isQuiet = toThem.length + toUs.length === 0;
    }
    generation++;
    for (const table of [...send, ...receive]) table.refresh(generation);
    return receive[0]!.find(localIndex);
  }
  const peer = (): number => send[0]!.route(4, new DataView(PACKET.buffer), 0);
  return { memory, plane, ours, peerKey: publicKeys[1]!, send, receive, shakeHands, peer };
}

test('each worker has contexts of its own: no two use the same at once', () => {
  const { shakeHands, send, receive, peer } = createStage();
  const row = shakeHands();
  const contexts = [...send.map((table) => table.context(peer())), ...receive.map((table) => table.context(row))];
  assert.ok(contexts.every((context) => context > 0));
  assert.equal(new Set(contexts).size, 4);
  assert.deepEqual(
    contexts.map((context) => context % 10),
    [0, 1, 0, 1],
  );
});

test('no counter of a keypair is taken by two of them', () => {
  const { shakeHands, send, peer } = createStage();
  shakeHands();
  const taken = Array.from({ length: 20 }, (_, i) => send[i % 2]!.takeCounters(peer(), 3));
  assert.deepEqual(
    taken,
    taken.map((_, i) => taken[0]! + 3 * i),
  );
});

test('a message that one has received is a replay for the other, and new keys have a new window', () => {
  const { shakeHands, receive, plane, ours, peerKey } = createStage();
  const row = shakeHands();
  const [one, other] = [receive[0]!, receive[1]!];
  assert.equal(one.accept(row, 7), true);
  assert.equal(other.accept(row, 7), false);
  assert.equal(other.accept(row, 8), true);
  assert.equal(one.accept(row, 8), false);
  const serial = one.serial(row);
  ours.configure({ peers: [{ publicKey: peerKey, remove: true }] }, NOW);
  plane.publishSending();
  const allowedIps = [{ cidr: parseCidr('10.0.0.2/32')! }];
  ours.configure({ peers: [{ publicKey: peerKey, endpoint: THERE, allowedIps }] }, NOW);
  assert.equal(shakeHands(), row, 'rows are used again');
  assert.notEqual(one.serial(row), serial);
  assert.equal(other.accept(row, 7), true);
});

test('what each has carried is told to the Device as one sum, and the latest of each time', () => {
  const { shakeHands, send, receive, plane, ours, peer, memory } = createStage();
  shakeHands();
  plane.collect(ours, NOW);
  const before = ours.describe().peers[0]!;
  send[0]!.noteSent(peer(), 1000, NOW + 5);
  send[1]!.noteSent(peer(), 200, NOW + 4);
  receive[1]!.noteReceived(peer(), 30, NOW + 6);
  receive[0]!.noteReceived(peer(), 4, NOW + 5);
  assert.equal(Atomics.exchange(new Int32Array(memory.words), wordOf(3, WANTED), 0), 1);
  plane.handleNews(NOW + 7);
  assert.equal(plane.nextTimeout(), NOW + 7, 'any of them may call');
  plane.collect(ours, NOW + 7);
  const after = ours.describe().peers[0]!;
  assert.equal(after.txBytes - before.txBytes, 1200);
  assert.equal(after.rxBytes - before.rxBytes, 34);
});

test('of two moves the later one counts, whichever worker is the first to tell', () => {
  const { shakeHands, receive, plane, ours, peer } = createStage();
  const row = shakeHands();
  const records: Int32Array[] = [];
  const move = (worker: 0 | 1, endpoint: Endpoint): void =>
    receive[worker]!.moveTo(peer(), wordsOf(endpoint), (number) => {
      records.push(Int32Array.of(row, receive[worker]!.serial(row), number, ...wordsOf(endpoint)));
      return true;
    });
  move(0, ELSEWHERE);
  move(1, FURTHER);
  for (const record of records.toReversed()) plane.handleMoved(ours, record, 0);
  plane.publishSending();
  assert.equal(ours.describe().peers[0]!.endpoint?.toString(), FURTHER.toString());
  assert.ok(receive.every((table) => table.isAt(peer(), wordsOf(FURTHER))));
});

test('a move that nobody can be told of is none', () => {
  const { shakeHands, receive, peer } = createStage();
  shakeHands();
  receive[0]!.moveTo(peer(), wordsOf(ELSEWHERE), () => false);
  assert.equal(receive[1]!.isAt(peer(), wordsOf(THERE)), true);
});
