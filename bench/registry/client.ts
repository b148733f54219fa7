/** What asks the registry: requests over connections that stay, on Node, whichever runtime serves. */
import { Agent, request } from 'node:http';

export interface Reply {
  readonly etag: string | undefined;
  readonly body: string;
}

export interface AskOptions {
  readonly body?: object;
  readonly etag?: string;
  /** When there is a connection. */
  readonly onConnect?: () => void;
}

/** Throws unless the answer has this status. */
export type Ask = (method: string, path: string, as: string, status: number, options?: AskOptions) => Promise<Reply>;

export interface Client {
  readonly ask: Ask;
  /** Ends all connections. */
  close(): void;
}

/** How a request says whose it is. */
export type Identify = (as: string) => { readonly headers: Record<string, string>; readonly localAddress?: string };

export function createClient(
  url: string,
  identify: Identify = (as) => ({ headers: { authorization: `Bearer ${as}` } }),
): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY });

  const ask: Ask = (method, path, as, status, options = {}) => {
    const { body, etag, onConnect } = options;
    const text = body === undefined ? undefined : JSON.stringify(body);
    const identity = identify(as);
    const headers = {
      ...identity.headers,
      ...(etag !== undefined && { 'if-none-match': etag }),
      ...(text !== undefined && { 'content-type': 'application/json', 'content-length': text.length }),
    };
    return new Promise((resolve, reject) => {
      const asked = request(`${url}${path}`, { ...identity, method, headers, agent }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.on('error', reject);
        answer.on('end', () => {
          const reply = Buffer.concat(chunks).toString();
          if (answer.statusCode === status) resolve({ etag: answer.headers.etag, body: reply });
          else reject(new Error(`${method} ${path}: ${answer.statusCode} ${reply}`));
        });
      });
      asked.once('socket', (socket) => {
        if (onConnect === undefined) return;
        if (socket.connecting) socket.once('connect', onConnect);
        else onConnect();
      });
      asked.on('error', (error) => {
        // The registry has closed an idle connection at the moment in which it was used again.
        if (asked.reusedSocket) resolve(ask(method, path, as, status, options));
        else reject(error);
      });
      asked.end(text);
    });
  };

  return { ask, close: () => agent.destroy() };
}

/** The version in the ETag of a list. */
export function versionOf({ etag }: Reply): number {
  return Number(etag?.split('.')[1]);
}
