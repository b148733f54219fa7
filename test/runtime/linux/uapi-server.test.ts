import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { converse } from '../../../runtime/linux/uapi-server.ts';
import { parseCidr } from '../../../src/ip.ts';
import { Conversation } from '../../../src/uapi/conversation.ts';
import type { PrivateKey } from '../../../src/keys.ts';
import type { TunnelState } from '../../../src/tunnel/state.ts';

const REQUESTS = 50;
const GET = 'get=1\n\n';

/** More than a piece of an answer, and less than two. */
const HELD_AT_MOST = 2 << 16;

/** Its answer is many pieces long, more than a socket takes at once. */
function largeState(): TunnelState {
  const allowedIps = Array.from({ length: 20_000 }, (_, i) => parseCidr(`10.0.${i >> 8}.${i & 255}/32`)!);
  const publicKey = new Uint8Array(32);
  const peer = { publicKey, presharedKey: new Uint8Array(32), allowedIps } as unknown as TunnelState['peers'][number]; // all that is looked at
  return {
    privateKey: new Uint8Array(32).fill(7) as PrivateKey,
    publicKey: undefined,
    listenPort: 0,
    fwmark: 0,
    peers: [peer],
    drops: {},
  };
}

describe('a connection to the UAPI socket', () => {
  const folder = mkdtempSync(join(tmpdir(), 'peerage-uapi-'));
  const path = join(folder, 'socket');
  const { privateKey, ...state } = largeState();
  let asked = 0;
  let last: TunnelState;
  const handler = {
    get() {
      asked += 1;
      return (last = { ...state, privateKey: privateKey!.slice() as PrivateKey }); // the same length
    },
    set: () => 0,
  };
  const server = createServer({ allowHalfOpen: true }, (socket) => converse(socket, new Conversation(handler)));

  before(async () => {
    server.listen(path);
    await once(server, 'listening');
  });
  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  async function ask(): Promise<{ client: Socket; socket: Socket }> {
    asked = 0;
    const client = connect({ path, allowHalfOpen: true }).setEncoding('latin1');
    const accepted = once(server, 'connection');
    client.end(GET.repeat(REQUESTS));
    const [socket] = (await accepted) as [Socket];
    if (asked === 0) await once(socket, 'data');
    return { client, socket };
  }

  it('has no more answered than a client reads, and answers all of it in the end', async () => {
    const { client, socket } = await ask();
    assert.ok(asked < 10, `${asked} answers are waiting`);
    assert.ok(socket.writableLength < HELD_AT_MOST, `${socket.writableLength} characters are waiting`);
    let answers = 0;
    let rest = '';
    for await (const text of client) {
      const parts = (rest + String(text)).split('errno=0\n\n');
      rest = parts.pop()!;
      answers += parts.length;
    }
    assert.deepEqual([answers, asked, rest], [REQUESTS, REQUESTS, '']);
  });

  it('erases the secrets of an answer that nobody waits for any more', async () => {
    const { client, socket } = await ask();
    assert.equal(last.privateKey![0], 7);
    const closed = new Promise((resolve) => socket.once('close', resolve));
    client.destroy();
    await closed;
    assert.equal(last.privateKey![0], 0);
  });
});
