/** What the workers read of a Device: two Devices shake hands, and the tables of one are looked at with the workers' eyes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import type { Aead } from '../../src/crypto/port.ts';
import { Device } from '../../src/device/device.ts';
import { parseAddress, parseCidr } from '../../src/ip.ts';
import { generatePrivateKey, type PublicKey } from '../../src/keys.ts';
import { INITIATION_BYTES, TYPE_INITIATION } from '../../src/noise/messages.ts';
import { Endpoint } from '../../src/peer/endpoint.ts';
import { ControlPlane } from '../../src/plane/control-plane.ts';
import { readEndpoint } from '../../src/plane/endpoint-words.ts';
import { createPlaneMemory, OVERFLOWED, WANTED, wordOf } from '../../src/plane/plane-memory.ts';
import { ReceiveTable } from '../../src/plane/receive-table.ts';
import { RingWriter } from '../../src/plane/ring.ts';
import { SendTable } from '../../src/plane/send-table.ts';
import { seededRandom } from '../simulation/random.ts';
import { drain, wordsOf } from './device-words.ts';

const NOW = 1_000_000;
const OUTBOUND = 0;
const INBOUND = 1;
const HERE = Endpoint.from(parseAddress('192.0.2.1')!, 1111);
const THERE = Endpoint.from(parseAddress('192.0.2.2')!, 2222);
const ELSEWHERE = Endpoint.from(parseAddress('198.51.100.7')!, 7);

/** A packet from 10.0.0.1 to 10.0.0.2. */
const PACKET = Uint8Array.of(0x45, 0, 0, 20, 0, 0, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2);

function createStage() {
  const random = seededRandom(5).bytes;
  const memory = createPlaneMemory({ peers: 8, routeNodes: 64, ringBytes: 1024 });
  const contexts = new Map<Aead, number>();
  let lastContext = 0;
  const ciphers = {
    contextOf(aead: Aead) {
      if (!contexts.has(aead)) contexts.set(aead, ++lastContext);
      return contexts.get(aead)!;
    },
    freeDestroyed() {},
  };
  const plane = new ControlPlane(memory, ciphers, { isGone: () => false });
  const options = { crypto: nobleCrypto, random, wall: () => NOW };
  const ours = new Device({ ...options, plane });
  const theirs = new Device(options);
  const keys = [generatePrivateKey(random), generatePrivateKey(random)] as const;
  const publicKeys = keys.map((key) => nobleCrypto.publicKey(key) as PublicKey); // 32 bytes
  const configure = (device: Device, own: 0 | 1, address: string, endpoint: Endpoint): void =>
    device.configure(
      {
        privateKey: keys[own],
        peers: [{ publicKey: publicKeys[1 - own]!, endpoint, allowedIps: [{ cidr: parseCidr(address)! }] }],
      },
      NOW,
    );
  configure(ours, 0, '10.0.0.2', THERE);
  configure(theirs, 1, '10.0.0.1', HERE);
  ours.handleLinkUp(NOW);
  theirs.handleLinkUp(NOW);
  const send = new SendTable(memory, OUTBOUND, new RingWriter(memory.workers[OUTBOUND]!.ring));
  const receive = new ReceiveTable(memory, INBOUND);
  let generation = 0;
  const look = (): void => {
    generation++;
    send.refresh(generation);
    receive.refresh(generation);
  };
  const view = new DataView(PACKET.buffer);
  return {
    memory,
    plane,
    ours,
    theirs,
    peerKey: publicKeys[1]!,
    otherKey: generatePrivateKey(random),
    send,
    receive,
    /** Carries messages to and fro until there are none, publishing as the loop does; gives those that reached us. */
    shakeHands: (initiator: 'ours' | 'theirs'): Uint8Array[] => {
      const received: Uint8Array[] = [];
      const packet = new Uint8Array(128);
      packet.set(initiator === 'ours' ? PACKET : [...PACKET.slice(0, 12), 10, 0, 0, 2, 10, 0, 0, 1], 16);
      (initiator === 'ours' ? ours : theirs).handlePacket(packet, 16, PACKET.length, NOW);
      for (let isQuiet = false; !isQuiet;) {
        isQuiet = true;
        plane.publishReceiving();
        const [toThem, toUs] = [drain(ours), drain(theirs)];
        plane.publishSending();
        for (const bytes of toThem) theirs.handleDatagram(bytes, 0, bytes.length, HERE, 0, NOW);
        for (const bytes of toUs) {
          received.push(bytes);
          // What the inbound worker would open, it opens.
          if (bytes[0] !== 4) ours.handleDatagram(bytes, 0, bytes.length, THERE, 0, NOW);
        }
        if (toThem.length + toUs.length > 0) isQuiet = false;
      }
      look();
      return received;
    },
    row: (): number => {
      look();
      return send.route(4, view, 0);
    },
  };
}

function receiverIndex(message: Uint8Array): number {
  return new DataView(message.buffer).getUint32(4, true);
}

test('a peer without a keypair has a route, and is not sent to', () => {
  const { row, send, plane } = createStage();
  plane.publishSending();
  assert.ok(row() >= 0);
  assert.equal(send.isSendable(row(), NOW), false);
});

test('as initiator outbound may send after the handshake, for as long as the keypair is good', () => {
  const { row, send, shakeHands } = createStage();
  shakeHands('ours');
  assert.equal(send.isSendable(row(), NOW), true);
  assert.equal(send.isSendable(row(), NOW + 179_999), true);
  assert.equal(send.isSendable(row(), NOW + 180_000), false);
  // The staged packet has left with counter 0 before anybody else could send.
  assert.equal(send.takeCounters(row(), 3), 1);
});

test('as responder inbound knows the keypair, and outbound waits for the confirmation', () => {
  const { row, send, receive, shakeHands, plane, ours } = createStage();
  const data = shakeHands('theirs').at(-1) ?? PACKET;
  assert.equal(data[0], 4);
  const keypair = receive.find(receiverIndex(data));
  assert.ok(keypair >= 0);
  assert.equal(send.isSendable(row(), NOW), false);
  assert.equal(receive.isUnconfirmed(keypair), true);
  receive.setConfirmed(keypair);
  assert.equal(receive.isUnconfirmed(keypair), false);
  plane.handleConfirmed(ours, Int32Array.of(keypair, receive.serial(keypair)), NOW);
  plane.publishSending();
  assert.equal(send.isSendable(row(), NOW), true);
});

test('once a newer keypair is confirmed nothing is sent under the old one, until the control thread has changed over', () => {
  const { row, send, receive, shakeHands, plane, ours, theirs, peerKey } = createStage();
  shakeHands('ours');
  assert.equal(send.isSendable(row(), NOW), true);
  // They forget everything, as one that was killed, and begin anew.
  theirs.handleLinkDown();
  theirs.handleLinkUp(NOW);
  const data = shakeHands('theirs').at(-1) ?? PACKET;
  const keypair = receive.find(receiverIndex(data));
  assert.equal(receive.isUnconfirmed(keypair), true);
  assert.equal(send.isSendable(row(), NOW), true, 'they may never get our response');
  receive.setConfirmed(keypair);
  assert.equal(send.isSendable(row(), NOW), false);
  plane.handleConfirmed(ours, Int32Array.of(keypair, receive.serial(keypair)), NOW);
  plane.publishSending();
  assert.equal(send.isSendable(row(), NOW), true);
  ours.configure({ peers: [{ publicKey: peerKey, remove: true }] }, NOW);
  plane.publishSending();
  assert.equal(row(), -1);
  assert.equal(receive.find(receiverIndex(data)), -1);
});

test('a peer that inbound hears from elsewhere is sent to there at once, and for good when the control thread agrees', () => {
  const { row, send, receive, shakeHands, plane, ours } = createStage();
  shakeHands('ours');
  const peer = row();
  const into = new Endpoint();
  const target = (): string => {
    const sequence = send.readEndpoint(peer);
    assert.equal(send.movedSequence(peer), sequence);
    readEndpoint(send.endpoint, 0, into);
    return into.toString();
  };
  assert.equal(target(), THERE.toString());
  assert.equal(receive.isAt(peer, wordsOf(THERE)), true);
  assert.equal(receive.isAt(peer, wordsOf(ELSEWHERE)), false);
  receive.moveTo(peer, wordsOf(ELSEWHERE), () => true);
  assert.equal(receive.isAt(peer, wordsOf(ELSEWHERE)), true);
  assert.equal(target(), ELSEWHERE.toString());
  // A change of something else leaves it as it is.
  shakeHands('theirs');
  assert.equal(target(), ELSEWHERE.toString());
  const peerObject = { ...ours.describe().peers[0]! };
  assert.equal(peerObject.endpoint?.toString(), THERE.toString());
  plane.handleSourceLost(Int32Array.of(peer, send.version(peer)));
  ours.configure({ peers: [{ publicKey: peerObject.publicKey, endpoint: HERE }] }, NOW);
  plane.publishSending();
  assert.equal(target(), HERE.toString(), 'whoever sets another endpoint has the last word');
});

test('a peer that moves on while the control thread learns of its last move stays where it is, until somebody sets an endpoint', () => {
  const { row, send, receive, shakeHands, plane, ours, peerKey } = createStage();
  const data = shakeHands('theirs').at(-1) ?? PACKET;
  const keypair = receive.find(receiverIndex(data));
  receive.setConfirmed(keypair);
  plane.handleConfirmed(ours, Int32Array.of(keypair, receive.serial(keypair)), NOW);
  plane.publishSending();
  const peer = row();
  const into = new Endpoint();
  const target = (): string => {
    send.readEndpoint(peer);
    readEndpoint(send.endpoint, 0, into);
    return into.toString();
  };
  // Inbound's two halves of a move, as the control thread may come between them and any other.
  const moves = [THERE, ELSEWHERE, HERE, ELSEWHERE].map((endpoint, move) => ({
    endpoint,
    record: Int32Array.of(keypair, receive.serial(keypair), move, ...wordsOf(endpoint)),
  }));
  const [first, second, third, fourth] = [moves[0]!, moves[1]!, moves[2]!, moves[3]!];
  const learn = ({ record }: { record: Int32Array }, routing: number): void => {
    plane.handleMoved(ours, record, routing);
    assert.equal(ours.describe().peers[0]!.endpoint?.routing, routing, 'not reviewed as if the routing had changed');
  };
  receive.moveTo(peer, wordsOf(second.endpoint), () => true);
  learn(second, 5);
  receive.moveTo(peer, wordsOf(third.endpoint), () => true); // before the tables change
  plane.publishSending();
  assert.equal(target(), third.endpoint.toString(), 'the answer goes to where it was heard of last');
  learn(third, 6);
  plane.publishSending();
  assert.equal(target(), third.endpoint.toString());
  receive.moveTo(peer, wordsOf(fourth.endpoint), () => true);
  ours.configure({ peers: [{ publicKey: peerKey, endpoint: first.endpoint }] }, NOW);
  plane.publishSending();
  assert.equal(target(), first.endpoint.toString());
});

test('a move that was told of under a keypair that is gone by then reaches the Device, unless the peer is gone, too', () => {
  const { row, receive, shakeHands, plane, ours, peerKey } = createStage();
  const keypair = receive.find(receiverIndex(shakeHands('theirs').at(-1) ?? PACKET));
  const serial = receive.serial(keypair);
  const learn = (move: number, endpoint: Endpoint): void =>
    plane.handleMoved(ours, Int32Array.of(keypair, serial, move, ...wordsOf(endpoint)), 0);
  receive.moveTo(row(), wordsOf(ELSEWHERE), () => true);
  ours.handleLinkDown(); // erases every keypair
  plane.publishSending();
  learn(1, ELSEWHERE);
  assert.equal(ours.describe().peers[0]!.endpoint?.toString(), ELSEWHERE.toString());

  ours.configure({ peers: [{ publicKey: peerKey, remove: true }] }, NOW);
  ours.configure({ peers: [{ publicKey: peerKey, endpoint: THERE }] }, NOW);
  plane.publishSending();
  learn(2, ELSEWHERE);
  assert.equal(ours.describe().peers[0]!.endpoint?.toString(), THERE.toString(), 'another peer of the same key');
});

test('what the workers carried is told to the Device once', () => {
  const { row, send, receive, shakeHands, plane, ours, memory } = createStage();
  shakeHands('ours');
  plane.collect(ours, NOW);
  const before = ours.describe().peers[0]!;
  send.noteSent(row(), 1000, NOW + 5);
  receive.noteReceived(row(), 300, NOW + 6);
  assert.equal(plane.nextTimeout(), Infinity, 'nothing flows: the workers say when something does');
  plane.handleNews(NOW + 7);
  assert.equal(plane.nextTimeout(), Infinity, 'a call for what is in the ring alone');
  const words = new Int32Array(memory.words);
  assert.equal(Atomics.exchange(words, wordOf(OUTBOUND, WANTED), 0), 1);
  plane.handleNews(NOW + 7);
  assert.equal(plane.nextTimeout(), NOW + 7);
  plane.collect(ours, NOW + 7);
  const after = ours.describe().peers[0]!;
  assert.equal(after.txBytes - before.txBytes, 1000);
  assert.equal(after.rxBytes - before.rxBytes, 300);
  assert.ok(plane.nextTimeout() < Infinity);
  plane.collect(ours, NOW + 1000);
  assert.deepEqual(ours.describe().peers[0], after);
  assert.equal(plane.nextTimeout(), Infinity);
  assert.equal(Atomics.load(words, wordOf(OUTBOUND, WANTED)), 1);
});

test('two minutes after the handshake, what the workers send brings a new one', () => {
  const { row, send, shakeHands, plane, ours } = createStage();
  shakeHands('ours');
  for (const [at, types] of [
    [NOW + 119_000, []],
    [NOW + 120_000, [TYPE_INITIATION]],
  ] as const) {
    send.noteSent(row(), 1000, at);
    plane.collect(ours, at);
    assert.deepEqual(
      drain(ours).map((bytes) => bytes[0]),
      types,
    );
  }
});

for (const persistentKeepalive of [0, 25])
  test(`what was carried before the link went down is counted, and no reason to send (keepalive ${persistentKeepalive})`, () => {
    const { row, send, shakeHands, plane, ours, peerKey } = createStage();
    shakeHands('ours');
    ours.configure({ peers: [{ publicKey: peerKey, persistentKeepalive }] }, NOW);
    plane.publishSending();
    drain(ours);
    const { txBytes } = ours.describe().peers[0]!;
    const carry = (at: number): void => send.noteSent(row(), 100, at);
    carry(NOW + 10);
    ours.handleLinkDown();
    plane.publishSending();
    plane.collect(ours, NOW + 20);
    assert.equal(ours.describe().peers[0]!.txBytes, txBytes + 100);
    assert.equal(ours.nextTimeout(), Infinity);
    // Another that is told of only when the link is up again.
    carry(NOW + 15);
    ours.handleLinkUp(NOW + 30);
    const { length } = drain(ours);
    assert.equal(length, persistentKeepalive > 0 ? 1 : 0);
    const timeout = ours.nextTimeout();
    plane.collect(ours, NOW + 40);
    assert.equal(ours.describe().peers[0]!.txBytes, txBytes + 200 + (length > 0 ? INITIATION_BYTES : 0));
    assert.equal(ours.nextTimeout(), timeout);
  });

test('what was carried under the former private key is no reason to send', () => {
  const { row, send, shakeHands, plane, ours, otherKey } = createStage();
  shakeHands('ours');
  send.noteSent(row(), 100, NOW + 10);
  ours.configure({ privateKey: otherKey }, NOW + 11);
  plane.publishSending();
  plane.collect(ours, NOW + 20);
  assert.equal(ours.nextTimeout(), Infinity);
});

test('more allowed IPs than there is room for are refused, and everything stays as it was', () => {
  const { row, plane, ours, peerKey } = createStage();
  plane.publishSending();
  const before = row();
  assert.ok(before >= 0);
  const many = (count: number) => Array.from({ length: count }, (_, i) => ({ cidr: parseCidr(`10.1.${i}.0/24`)! }));
  const room = 30; // 64 nodes, three of them for the roots, two for each prefix
  const add = (allowedIps: ReturnType<typeof many>, replaceAllowedIps: boolean): void =>
    ours.configure({ peers: [{ publicKey: peerKey, allowedIps, replaceAllowedIps }] }, NOW);
  assert.throws(() => add(many(room), false), { name: 'UserError', errno: 28 });
  assert.throws(() => add(many(room + 1), true), { name: 'UserError', errno: 28 });
  plane.publishSending();
  assert.equal(row(), before);
  assert.equal(ours.describe().peers[0]!.allowedIps.length, 1);
  add(many(room - 1), false);
  plane.publishSending();
  assert.equal(row(), before);
  add(many(room), true);
  plane.publishSending();
  assert.equal(row(), -1, "10.0.0.2 is nobody's now");
});

test('the inbound worker hands over what it does not know for as long as some keypair has no row', () => {
  const { memory, plane, ours, shakeHands } = createStage();
  const words = new Int32Array(memory.words);
  for (let i = 0; i < 3 * 8; i++) plane.createCounter();
  assert.equal(words[OVERFLOWED], 0);
  shakeHands('ours');
  assert.equal(words[OVERFLOWED], 1);
  ours.handleLinkDown();
  plane.publishSending();
  assert.equal(words[OVERFLOWED], 0);
});
