/**
 * The server side of the UAPI: a Unix socket that only its owner may open. A socket file of a dead process is replaced, a
 * living one is respected, and taking the file away ends the tunnel, as with wireguard-go.
 */
import { existsSync, mkdirSync, rmSync, watch, type FSWatcher } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import process from 'node:process';
import { UserError } from '../../src/errors.ts';
import { Conversation, type UapiHandler } from '../../src/uapi/conversation.ts';
import type { SetOptions } from '../../src/uapi/parse-set.ts';
import { systemError } from './system-error.ts';
import { isListening } from './uapi-client.ts';
import { SOCKET_FOLDER, socketPath } from './uapi-socket.ts';

const OWNER_ONLY_UMASK = 0o177;

export interface UapiServerOptions extends SetOptions {
  /** A listening socket that another process handed down. */
  fd?: number;
  /** The socket file was taken away. */
  onRemoved: () => void;
}

export interface UapiServer {
  /** Hangs up, and removes the socket file. */
  close(): Promise<void>;
}

/** Resolves when the socket answers. */
export async function serveUapi(name: string, handler: UapiHandler, options: UapiServerOptions): Promise<UapiServer> {
  const path = socketPath(name);
  const connections = new Set<Socket>();
  // A client may close its side after the request and still wait for the answer.
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    connections.add(socket);
    socket.once('close', () => connections.delete(socket));
    converse(socket, new Conversation(handler, options));
  });
  if (options.fd === undefined) await listen(server, name, path);
  else await listening(server, () => server.listen({ fd: options.fd }));
  const watcher = watchRemoval(path, options.onRemoved);
  return {
    close() {
      watcher?.close();
      for (const connection of connections) connection.destroy();
      // Of a socket that was handed down, Node does not know the file.
      if (options.fd !== undefined) rmSync(path, { force: true });
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function converse(socket: Socket, conversation: Conversation): void {
  socket.setEncoding('latin1'); // hexadecimal, numbers and addresses
  socket.on('data', (text: string) => {
    const answer = conversation.push(text);
    if (answer !== '') socket.write(answer, 'latin1');
    if (conversation.isOver) socket.end();
  });
  socket.once('end', () => socket.end());
  socket.on('error', () => socket.destroy()); // the client hung up
}

async function listen(server: Server, name: string, path: string): Promise<void> {
  if (await isListening(name))
    throw new UserError(`the interface ${name} is in use: something answers on ${path}`, {
      remedy: 'See what it is with: wg show; then choose another name.',
    });
  try {
    mkdirSync(SOCKET_FOLDER, { recursive: true, mode: 0o755 });
    rmSync(path, { force: true });
    // The file appears before listen() returns, and never with other rights than these.
    const umask = process.umask(OWNER_ONLY_UMASK);
    const bound = listening(server, () => server.listen(path));
    process.umask(umask);
    await bound;
  } catch (error) {
    throw systemError(`cannot listen on ${path}`, error);
  }
}

function listening(server: Server, start: () => void): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.once('listening', () => {
      server.off('error', reject);
      resolve();
    });
    start();
  });
}

/** Undefined where files cannot be watched. */
function watchRemoval(path: string, onRemoved: () => void): FSWatcher | undefined {
  try {
    return watch(SOCKET_FOLDER, () => {
      if (!existsSync(path)) onRemoved();
    }).on('error', () => undefined);
  } catch {
    return undefined;
  }
}
