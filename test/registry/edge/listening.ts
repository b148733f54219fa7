/** Hosts that listen at a registry at the edge, for tests: each a WebSocket of the runtime, with what came over it. */
import assert from 'node:assert/strict';
import { SocketFrame, type Enrolled, type PeerList } from '../../../src/registry/wire.ts';
import { waitFor } from '../../interop/lab/wait.ts';
import type { Lab } from '../lab.ts';

export interface Listening {
  readonly socket: WebSocket;
  /** As they came. */
  readonly lists: readonly PeerList[];
  /** The code, once it is closed, or the registry has said that it will be. */
  readonly closed: number | undefined;
  /** Names and public keys of what it was told, `+name` for a peer and `-key` for one that is gone. */
  told(): string[];
}

/** Opens a socket for the host; its first list has come, unless it knows the newest version. */
export async function listen(
  { url }: Pick<Lab, 'url'>,
  { hostKey, version }: Pick<Enrolled, 'hostKey' | 'version'>,
  more: Record<string, string> = {},
): Promise<Listening> {
  // The standard has no headers here; every runtime that peerage runs on has.
  const Socket = WebSocket as unknown as new (url: string, options: { headers: object }) => WebSocket;
  const headers = { authorization: `Bearer ${hostKey}`, ...more };
  const socket = new Socket(`${url.replace(/^http/, 'ws')}/v1/socket?since=${version}`, { headers });
  const lists: PeerList[] = [];
  let closed: number | undefined;
  socket.addEventListener('message', ({ data }) => {
    if (data === 'pong') return;
    const frame = SocketFrame.parse(JSON.parse(String(data)));
    if ('close' in frame) closed ??= frame.close;
    else lists.push(frame);
  });
  socket.addEventListener('close', ({ code }) => (closed ??= code));
  await waitFor('the socket is open', () => socket.readyState !== WebSocket.CONNECTING);
  assert.equal(socket.readyState, WebSocket.OPEN, 'the registry has taken the socket');
  return {
    socket,
    lists,
    get closed() {
      return closed;
    },
    told: () =>
      lists.flatMap(({ peers, removed }) => [
        ...peers.map(({ name }) => `+${name}`),
        ...removed.map((key) => `-${key}`),
      ]),
  };
}
