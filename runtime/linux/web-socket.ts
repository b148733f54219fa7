/**
 * WebSockets over the client that each runtime has. It differs from the standard in one thing: Node, Bun and Deno all take headers,
 * so a credential goes where all others go, and never into an address that somebody logs.
 */
import type { Http, Socket } from '../../src/cli/ports.ts';
import { UserError } from '../../src/errors.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
/** Of all frames that wait to be read: a registry that sends more than any list has is not read. */
const MAX_WAITING_CHARS = 16 * 1024 * 1024;
/** RFC 6455 section 7.4.1. */
const NO_STATUS = 1005;

type Input = Awaited<ReturnType<Socket['next']>>;

/** Redirects are not followed: the credential goes to the server that was named. */
export const openSocket: Http['listen'] = async ({ url, headers = {}, timeoutMs = DEFAULT_TIMEOUT_MS }) => {
  if (!URL.canParse(url)) throw new UserError('the address of the registry is no URL', { exitCode: 2 });
  const { origin } = new URL(url);
  // The types know the standard only.
  const Client = WebSocket as unknown as new (url: string, options: { headers: object }) => WebSocket;
  const socket = new Client(url.replace(/^http/, 'ws'), { headers });
  const inputs = queueInputs(socket);
  const opened = Promise.withResolvers<boolean>();
  const late = setTimeout(() => opened.resolve(false), timeoutMs);
  socket.addEventListener('open', () => opened.resolve(true));
  socket.addEventListener('close', () => opened.resolve(false));
  const isOpen = await opened.promise;
  clearTimeout(late);
  if (!isOpen) {
    socket.close();
    throw new UserError(`${origin} opens no WebSocket`);
  }
  return { send: (text) => socket.send(text), next: inputs, close: () => socket.close() };
};

/** What came, in its order, for one reader. */
function queueInputs(socket: WebSocket): Socket['next'] {
  const waiting: Input[] = [];
  let waitingChars = 0;
  let end: Input | undefined;
  let wake: (() => void) | undefined;
  socket.addEventListener('message', ({ data }) => {
    // Text only: a registry sends nothing else.
    const text = typeof data === 'string' ? data : '';
    waitingChars += text.length;
    if (waitingChars > MAX_WAITING_CHARS) return socket.close();
    waiting.push({ type: 'frame', text });
    wake?.();
  });
  // An error is followed by the end of the socket.
  socket.addEventListener('error', () => undefined);
  socket.addEventListener('close', ({ code }) => {
    end = { type: 'end', code: code === 0 ? NO_STATUS : code };
    wake?.();
  });
  return async () => {
    for (;;) {
      const input = waiting.shift() ?? end;
      if (input?.type === 'frame') waitingChars -= input.text.length;
      if (input !== undefined) return input;
      // oxlint-disable-next-line no-await-in-loop -- until something comes
      await new Promise<void>((resolve) => (wake = resolve));
    }
  };
}
