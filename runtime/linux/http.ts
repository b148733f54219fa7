/**
 * The Http port over fetch.
 */
import type { Http } from '../../src/cli/ports.ts';
import { UserError } from '../../src/errors.ts';
import { systemError } from './system-error.ts';
import { isUnknownAuthority, type Trust, trustSystem } from './trusted-authorities.ts';
import { openSocket } from './web-socket.ts';

const DEFAULT_TIMEOUT_MS = 30_000;
/** The peer list of ten thousand hosts with a few routes each is smaller. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

/** What a request needs to be made with for the system's authorities to count. */
let trusted: Trust | undefined;

export const http: Http = {
  listen: openSocket,

  async request({ method, url, headers, body, timeoutMs = DEFAULT_TIMEOUT_MS, signal }) {
    // The path of a URL may hold a token: messages show the origin only.
    if (!URL.canParse(url)) throw new UserError('the address of the registry is no URL', { exitCode: 2 });
    const { origin } = new URL(url);
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await fetchTrusting(url, {
        method,
        redirect: 'manual', // credentials go to the server that was named, and to no other
        signal: signal === undefined ? timeout : AbortSignal.any([timeout, signal]),
        ...(headers === undefined ? {} : { headers }),
        ...(body === undefined ? {} : { body }),
      });
      return { status: response.status, headers: response.headers, body: await readBody(response, origin) };
    } catch (error) {
      if (error instanceof UserError) throw error;
      if (timeout.aborted)
        throw new UserError(`cannot reach ${origin}: no answer within ${timeoutMs / 1000} seconds`, { cause: error });
      if (isUnknownAuthority(error))
        throw new UserError(`cannot reach ${origin}: its certificate is signed by nobody whom this host trusts`, {
          remedy: 'If its authority is your own, add it to those of this host: update-ca-certificates(8).',
          cause: error,
        });
      throw systemError(`cannot reach ${origin}`, error);
    }
  },
};

/** Nothing of the request is sent before the certificate is found good, so it can be made again. */
async function fetchTrusting(url: string, request: RequestInit): Promise<Response> {
  const before = trusted;
  try {
    return await fetch(url, { ...request, ...before });
  } catch (error) {
    // Another request may have asked for it meanwhile: what counts is how this one was made.
    if (before !== undefined || !isUnknownAuthority(error)) throw error;
    trusted ??= await trustSystem();
    return fetch(url, { ...request, ...trusted });
  }
}

/** As text. A server that never ends its answer would otherwise fill the memory of whoever asked. */
async function readBody(response: Response, origin: string): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.length;
    if (length > MAX_BODY_BYTES)
      throw new UserError(`${origin} answered with more than ${MAX_BODY_BYTES / 1024 / 1024} MiB`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}
