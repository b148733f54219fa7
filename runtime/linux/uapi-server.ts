/**
 * The server side of the UAPI: a Unix socket that only its owner may open. A socket file of a dead process is replaced, a
 * living one is respected, and taking the file away ends the tunnel, as with wireguard-go.
 */
import { mkdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import process from 'node:process';
import { setTimeout as delay } from 'node:timers/promises';
import { UserError } from '../../src/errors.ts';
import type { Log } from '../../src/log.ts';
import { Conversation, type UapiHandler } from '../../src/uapi/conversation.ts';
import type { SetOptions } from '../../src/uapi/parse-set.ts';
import type { Ffi } from './ffi.ts';
import { watchFile, type FileWatch } from './file-watch.ts';
import type { Watches } from './poller.ts';
import { systemError } from './system-error.ts';
import { isListening } from './uapi-client.ts';
import { SOCKET_FOLDER, socketPath } from './uapi-socket.ts';

const OWNER_ONLY_UMASK = 0o177;

/** How long a tunnel whose interface is gone already may take to end, and how often to look. */
const ENDING_MS = 3000;
const LOOK_AGAIN_MS = 50;

export interface UapiServerOptions extends SetOptions {
  ffi: Ffi;
  poller: Watches;
  log: Log;
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
  const file = options.fd === undefined ? await listen(server, name, path) : await adopt(server, options.fd, path);
  const watch = file === undefined ? undefined : watchRemoval(path, file, options);
  return {
    close() {
      watch?.close();
      for (const connection of connections) connection.destroy();
      // By now it may be that of the next tunnel of this name.
      if (file !== undefined && fileAt(path) === file) rmSync(path, { force: true });
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/**
 * One request after the other, and of an answer no more than the client takes: one that asks on without reading would have us keep
 * all of it.
 */
export function converse(socket: Socket, conversation: Conversation): void {
  let requests: string[] = [];
  let answers: Generator<string, void> | undefined;
  let hasEnded = false;
  function answer(): void {
    for (;;) {
      const piece = answers?.next();
      if (piece?.done === false) {
        if (!socket.write(piece.value, 'latin1')) return void socket.pause();
        continue;
      }
      answers = undefined;
      if (conversation.isOver) requests = [];
      const request = requests.shift();
      if (request === undefined) break;
      answers = conversation.answer(request);
    }
    if (hasEnded || conversation.isOver) socket.end();
    else socket.resume();
  }
  socket.setEncoding('latin1'); // hexadecimal, numbers and addresses
  socket.on('data', (text: string) => {
    requests.push(...text.split(/(?<=\n\n)/));
    // What is read while the last answer is still on its way waits for it.
    if (!socket.writableNeedDrain) answer();
  });
  socket.on('drain', answer);
  // It comes while paused, too, with requests still to be answered.
  socket.once('end', () => {
    hasEnded = true;
    if (requests.length === 0 && answers === undefined) socket.end();
  });
  socket.on('error', () => socket.destroy()); // the client hung up
  socket.once('close', () => answers?.return());
}

/** Resolves to which file the socket is. */
async function listen(server: Server, name: string, path: string): Promise<number | undefined> {
  await untilFree(name, path);
  // wg(8) deletes a socket file that refuses connections, as one does between bind(2) and listen(2): ours is not called
  // a socket until it answers.
  const unready = `${path}.new`;
  try {
    mkdirSync(SOCKET_FOLDER, { recursive: true, mode: 0o755 });
    rmSync(unready, { force: true });
    // The file appears before listen() returns, and never with other rights than these.
    const umask = process.umask(OWNER_ONLY_UMASK);
    const bound = listening(server, () => server.listen(unready));
    process.umask(umask);
    await bound;
    const file = fileAt(unready);
    renameSync(unready, path);
    return file;
  } catch (error) {
    throw systemError(`cannot listen on ${path}`, error);
  }
}

/** Our interface exists, so whoever answers has lost one of this name, or has it in another namespace. */
async function untilFree(name: string, path: string): Promise<void> {
  for (const deadline = performance.now() + ENDING_MS; await isListening(name); await delay(LOOK_AGAIN_MS))
    if (performance.now() > deadline)
      throw new UserError(`the interface ${name} is in use: something answers on ${path}`, {
        remedy: 'See what it is with: wg show; then choose another name.',
      });
}

/** Resolves to which file the socket is, if it is where it should be. */
async function adopt(server: Server, fd: number, path: string): Promise<number | undefined> {
  await listening(server, () => server.listen({ fd }));
  return fileAt(path);
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

/** Undefined when it cannot be watched. */
function watchRemoval(path: string, file: number, options: UapiServerOptions): FileWatch | undefined {
  const { ffi, poller, log, onRemoved } = options;
  // As long as we listen no other file can get its number.
  const look = (): void => {
    if (fileAt(path) !== file) onRemoved();
  };
  try {
    return watchFile(ffi, poller, path, look);
  } catch (error) {
    log.warn({ error: String(error) }, 'the UAPI socket is not watched: removing it will not end the tunnel');
    return undefined;
  } finally {
    look(); // it may have been taken away before it was watched
  }
}

/** Which file it is, whatever it is called; undefined when there is none. */
function fileAt(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.ino;
}
