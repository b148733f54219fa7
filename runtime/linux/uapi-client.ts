/** The client side of the UAPI over Unix sockets: one connection for each request. */
import { readdir } from 'node:fs/promises';
import { connect } from 'node:net';
import type { UapiClient } from '../../src/cli/ports.ts';
import { UserError } from '../../src/errors.ts';
import { ENODEV } from '../../src/uapi/errno.ts';
import { errorCode, systemError } from './system-error.ts';
import { isInterfaceName, SOCKET_FOLDER, socketPath } from './uapi-socket.ts';

/** A tunnel that has not answered by then is stuck. */
const ANSWER_TIMEOUT_MS = 10_000;
const SUFFIX = '.sock';

export const uapiClient: UapiClient = { interfaces, exchange };

/** Names of the sockets that somebody answers, sorted: what a killed process left behind does not count. */
async function interfaces(): Promise<string[]> {
  const names = await readdir(SOCKET_FOLDER).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw systemError('cannot list the tunnels', error);
  });
  const stems = names.filter((name) => name.endsWith(SUFFIX)).map((name) => name.slice(0, -SUFFIX.length));
  const sockets = stems.filter(isInterfaceName); // a file of any name may lie there
  const alive = await Promise.all(sockets.map((name) => isListening(name)));
  return sockets.filter((_, i) => alive[i]).sort();
}

/** Whether something accepts connections on the socket of this interface, if not of this user. */
export function isListening(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(socketPath(name));
    socket.once('connect', () => {
      resolve(true);
      socket.destroy();
    });
    socket.once('error', (error) => resolve(!isDead(error)));
  });
}

/** Nobody has the socket. Any other error (permissions, a full queue) does not say so. */
function isDead(error: unknown): boolean {
  return ['ENOENT', 'ECONNREFUSED'].includes(errorCode(error) ?? '');
}

function exchange(name: string, request: string): Promise<string> {
  const path = socketPath(name);
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let answer = '';
    socket.setEncoding('latin1');
    socket.setTimeout(ANSWER_TIMEOUT_MS, () => socket.destroy(new Error('no answer within 10 s')));
    // Not end(): wireguard-go takes the end of the input for the end of the conversation.
    socket.once('connect', () => socket.write(request, 'latin1'));
    socket.on('data', (chunk: string) => {
      answer += chunk;
      if (answer.endsWith('\n\n')) socket.destroy();
    });
    socket.once('error', (error) => reject(explain(name, error)));
    socket.once('close', () =>
      answer.endsWith('\n\n') ? resolve(answer) : reject(new UserError(`the tunnel ${name} broke off its answer`)),
    );
  });
}

function explain(name: string, error: unknown): UserError {
  if (isDead(error))
    return new UserError(`there is no tunnel ${name}`, {
      remedy: `Bring it up with: peerage up ${name}`,
      errno: ENODEV,
      cause: error,
    });
  return systemError(`cannot ask the tunnel ${name}`, error);
}
