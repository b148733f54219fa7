/**
 * Failures of the operating system in words for a person.
 */
import { UserError } from '../../src/errors.ts';

const WORDS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EPERM: 'operation not permitted',
  ENOENT: 'no such file or folder',
  ENOTDIR: 'a part of the path is no folder',
  EISDIR: 'is a folder',
  EROFS: 'the file system is read-only',
  ENOSPC: 'no space left',
  EADDRNOTAVAIL: 'this machine has no such address',
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'connection reset',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'the network is unreachable',
  ENOTFOUND: 'no such host name',
  EAI_AGAIN: 'the name server does not answer',
  ETIMEDOUT: 'no answer in time',
  UND_ERR_CONNECT_TIMEOUT: 'no answer in time',
  CERT_HAS_EXPIRED: 'its certificate has expired',
  CERT_NOT_YET_VALID: 'its certificate is not yet valid, by the clock of this machine',
  ERR_TLS_CERT_ALTNAME_INVALID: 'its certificate is for another name',
};

/** `ENOENT` and the like, from the error or from what caused it. */
export function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('code' in error && typeof error.code === 'string') return error.code;
  return errorCode(error.cause);
}

/** `cannot read /etc/wireguard/wg0.conf: permission denied`. */
export function systemError(what: string, error: unknown): UserError {
  const code = errorCode(error);
  const reason = (code !== undefined && WORDS[code]) || messageOf(error);
  const remedy = code === 'EACCES' || code === 'EPERM' ? { remedy: 'Try again as root (sudo).' } : {};
  const errno = errorNumber(error);
  return new UserError(`${what}: ${reason}`, { cause: error, ...(errno === undefined ? {} : { errno }), ...remedy });
}

/** fetch of Node says no more than "fetch failed": what has failed is in its cause. Deno's cause holds the whole URL. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  return message === 'fetch failed' && cause instanceof Error && !cause.message.includes('://')
    ? cause.message
    : message;
}

/** errno(3); libuv's numbers are those of Linux with a minus, but for some of its own beyond 1000. */
function errorNumber(error: unknown): number | undefined {
  if (!(error instanceof Error)) return undefined;
  if ('errno' in error && typeof error.errno === 'number') return Math.abs(error.errno);
  return errorNumber(error.cause);
}
