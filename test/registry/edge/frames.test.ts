/**
 * Frames that no host of ours sends, to the sockets of a registry at the edge, byte by byte: they end their socket, and nothing else.
 * workerd says by itself that it closes a socket whose frames are none (RFC 6455 section 7.4.1), and leaves the connection open for
 * most of a minute; every message is the registry's to answer.
 */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { test, type TestContext } from 'node:test';
import { waitFor } from '../../interop/lab/wait.ts';
import { isEdge } from '../engines/engine.ts';
import type { Lab } from '../lab.ts';
import { startPair } from '../pair.ts';
import { listen } from './listening.ts';

/** First bytes of a frame (section 5.2), the last of its message unless said. */
const [CONTINUATION, TEXT, BINARY, RESERVED, PING] = [0x80, 0x81, 0x82, 0x83, 0x89];
const FIRST_OF_SEVERAL_PINGS = 0x09;
const FLOOD = 2000;

/** What ends a socket, as Latin-1: the registry's farewell, or the beginning of a Close frame with 1002 or 1009. */
const SPOKE = /"close":4400/;
const [PROTOCOL_ERROR, TOO_BIG] = [/\x88[^]\x03\xea/, /\x88[^]\x03\xf1/]; // oxlint-disable-line no-control-regex -- bytes

const HOSTILE: Readonly<Record<string, readonly [frames: () => Uint8Array, end: RegExp]>> = {
  'a frame of bytes': [() => frame(BINARY, randomBytes(100)), SPOKE],
  'a text that is none': [() => frame(TEXT, Uint8Array.of(0xc3, 0x28)), SPOKE],
  'an empty text': [() => frame(TEXT, new Uint8Array()), SPOKE],
  'a text of two megabytes': [() => frame(TEXT, new Uint8Array(2_000_000).fill(0x78)), SPOKE],
  'a word without a mask': [() => Uint8Array.of(TEXT, 5, ...Buffer.from('hello')), SPOKE],
  'a flood of words': [() => flood(frame(TEXT, Buffer.from('hello'))), SPOKE],
  'a continuation of nothing': [() => frame(CONTINUATION, randomBytes(10)), PROTOCOL_ERROR],
  'an opcode that is none': [() => frame(RESERVED, randomBytes(10)), PROTOCOL_ERROR],
  'a frame with reserved bits': [() => frame(TEXT | 0x70, Buffer.from('ping')), PROTOCOL_ERROR],
  'a part of a ping': [() => frame(FIRST_OF_SEVERAL_PINGS, randomBytes(10)), PROTOCOL_ERROR],
  'a length of nine exabytes': [
    () => Uint8Array.of(TEXT, 0xff, 0x7f, ...new Uint8Array(7).fill(0xff), 0, 0, 0, 0),
    TOO_BIG,
  ],
};

if (isEdge) {
  test('frames that no host sends end their socket, and those of others are told as before', async (t) => {
    const { lab, token, dolores, maeve } = await startPair(t);
    const polite = await listen(lab, dolores);
    const ends = Object.entries(HOSTILE).map(async ([what, [frames, end]], i) => {
      // Each from a host of its own, since few sockets of one are kept.
      const { hostKey } = await lab.enrol(token, { name: `host-${i}` });
      const socket = await upgrade(t, lab, hostKey);
      let said = '';
      socket.on('data', (data: Buffer) => (said += data.toString('latin1')));
      socket.write(frames());
      await waitFor(`${what} ends it`, () => end.test(said), { explain: () => JSON.stringify(said) });
      socket.destroy();
    });
    await Promise.all(ends);
    await lab.enrol(token, { name: 'charlotte' });
    await waitFor('the change is told', () => polite.told().includes('+charlotte'));
    assert.equal(polite.closed, undefined);
    const another = await listen(lab, { ...maeve, version: 0 });
    await waitFor('who comes now is told, too', () => another.told().includes('+charlotte'));
  });

  test('a flood of pings is answered, in text and as frames of any size, and nobody is kept waiting', async (t) => {
    const { lab, token, dolores, maeve } = await startPair(t);
    const polite = await listen(lab, dolores);
    const socket = await upgrade(t, lab, maeve.hostKey);
    let said = '';
    socket.on('data', (data: Buffer) => (said += data.toString('latin1')));
    const [large, last] = [Buffer.alloc(200, 'x'), Buffer.from('the last')];
    socket.write(
      Buffer.concat([flood(frame(TEXT, Buffer.from('ping'))), flood(frame(PING, large)), frame(PING, last)]),
    );
    await lab.enrol(token, { name: 'charlotte' });
    await waitFor('the change is told', () => polite.told().includes('+charlotte'));
    await waitFor('the last is answered', () => said.includes(String(last)));
    await waitFor('who sent them is told', () => said.includes('charlotte'));
    assert.ok(said.includes('pong'));
    assert.ok(!SPOKE.test(said));
    assert.equal(polite.closed, undefined);
  });
}

/** A connection over which the registry has agreed to speak frames; what it says is the caller's to read. */
async function upgrade(t: TestContext, { url }: Lab, hostKey: string): Promise<Socket> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on('error', () => undefined); // it may end with a reset
  t.after(() => socket.destroy());
  await once(socket, 'connect');
  socket.write(
    [
      'GET /v1/socket?since=0 HTTP/1.1',
      'Host: registry',
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Version: 13',
      `Sec-WebSocket-Key: ${randomBytes(16).toString('base64')}`,
      `Authorization: Bearer ${hostKey}`,
      '\r\n',
    ].join('\r\n'),
  );
  const [head] = await once(socket, 'data');
  assert.match(String(head), /^HTTP\/1\.1 101 /);
  return socket;
}

/** As a client sends it: masked, here with zeros. */
function frame(first: number, payload: Uint8Array): Uint8Array {
  const length = Buffer.alloc(payload.length < 126 ? 1 : payload.length < 65_536 ? 3 : 9);
  length[0] = 0x80 | (payload.length < 126 ? payload.length : payload.length < 65_536 ? 126 : 127);
  if (length.length === 3) length.writeUInt16BE(payload.length, 1);
  if (length.length === 9) length.writeBigUInt64BE(BigInt(payload.length), 1);
  return Buffer.concat([Uint8Array.of(first), length, new Uint8Array(4), payload]);
}

function flood(one: Uint8Array): Uint8Array {
  return Buffer.concat(Array.from({ length: FLOOD }, () => one));
}
