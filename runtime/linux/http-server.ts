/** The HTTP server port: serves a fetch handler, and says who asks. */
import { UserError } from '../../src/errors.ts';

export interface HttpServer {
  /** `http://127.0.0.1:8080`, with the port that was chosen when 0 was asked for. */
  readonly url: string;
  /** Takes no more connections, and resolves when the requests that are under way have been answered, or `graceMs` later. */
  close(): Promise<void>;
}

export interface HttpServerOptions {
  fetch: (request: Request, bindings: HttpBindings) => Response | Promise<Response>;
  hostname: string;
  port: number;
  /** How long requests that are under way may still take when the server closes. Default: `GRACE_MS`. */
  graceMs?: number;
}

export interface HttpBindings {
  /** The other end of the connection that the request came by; empty when it is gone already. */
  peerAddress: string;
}

export const GRACE_MS = 5_000;

/** The URL of a server that listens on an address. */
export function serverUrl(address: string, port: number): string {
  return `http://${address.includes(':') ? `[${address}]` : address}:${port}`;
}

/** Why a server does not listen, and what to do about it. `code`: the system's, such as EADDRINUSE. */
export function listenError(error: Error & { code?: string | undefined }, hostname: string, port: number): UserError {
  const where = `${hostname} port ${port}`;
  if (error.code === 'EADDRINUSE')
    return new UserError(`another program listens on ${where} already`, {
      remedy: 'Choose another port with --listen HOST:PORT, or end the other program.',
      cause: error,
    });
  if (error.code === 'EACCES')
    return new UserError(`no permission to listen on ${where}`, {
      remedy: 'Ports below 1024 need root: choose a higher one with --listen HOST:PORT.',
      cause: error,
    });
  return new UserError(`cannot listen on ${where}: ${error.code ?? error.message}`, { cause: error });
}
