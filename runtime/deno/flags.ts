/**
 * The flags with which Deno runs our programs: for each the fewest that it works with. docs/guide/deno.md says what each is for,
 * and a test starts each program with them.
 */
import { resolve } from 'node:path';
import { SOCKET_FOLDER } from '../linux/uapi-socket.ts';

/** Nobody is asked: what is not allowed is an error. */
const SILENT = '--no-prompt';
/** Workers are loaded at run time, and so under the rules for reading. */
const CHECKOUT = resolve(import.meta.dirname, '../..');

const TUNNEL_VARIABLES = [
  'LOG_LEVEL',
  'PEERAGE_KEYLOG',
  'PEERAGE_READY_FD',
  'PEERAGE_THREADS',
  'WG_PROCESS_FOREGROUND',
  'WG_TUN_FD',
  'WG_UAPI_FD',
];
const WG_VARIABLES = ['NO_COLOR', 'TERM', 'WG_COLOR_MODE', 'WG_ENDPOINT_RESOLUTION_RETRIES', 'WG_HIDE_KEYS'];

export const FLAGS = {
  /** `peerage-tun -f` with any interface, without a key log. */
  tunnel: tunnelFlags(),

  /** wg(8), with keys from /etc/wireguard. */
  wg: [
    SILENT,
    `--allow-read=${list(SOCKET_FOLDER, '/etc/wireguard')}`,
    `--allow-write=${SOCKET_FOLDER}`,
    '--allow-net',
    '--allow-sys=hostname,uid',
    `--allow-env=${list(...WG_VARIABLES)}`,
  ],

  /** Everything that `peerage` can do. It starts programs, and those do as they like. */
  peerage: [SILENT, '--allow-all', '--unstable-no-legacy-abort'],
} as const;

/** `peerage registry serve` on this address, with its database in this folder. */
export function registryFlags(folder: string, listen: string): string[] {
  return [
    SILENT,
    `--allow-read=${list(folder)}`,
    `--allow-write=${list(folder)}`,
    `--allow-net=${listen}`,
    '--allow-sys=hostname,uid',
    '--allow-env=LOG_LEVEL,NO_COLOR,NOTIFY_SOCKET,TERM',
    // Else Deno aborts requests that were answered, and writes a paragraph about it.
    '--unstable-no-legacy-abort',
  ];
}

interface TunnelFlags {
  /** Of the interface; any, unless told. */
  name?: string;
  /** What PEERAGE_KEYLOG names. */
  keyLogFile?: string | undefined;
}

/** `peerage-tun -f`. */
export function tunnelFlags({ name, keyLogFile = '' }: TunnelFlags = {}): string[] {
  // The socket is made under another name first. Datagrams go through FFI.
  const socket = `unix:${SOCKET_FOLDER}/${name}.sock`;
  return [
    SILENT,
    '--allow-ffi',
    `--allow-read=${list(CHECKOUT, SOCKET_FOLDER)}`,
    `--allow-write=${list(SOCKET_FOLDER, ...(keyLogFile === '' ? [] : [resolve(keyLogFile)]))}`,
    name === undefined ? '--allow-net' : `--allow-net=${list(socket, `${socket}.new`)}`,
    '--allow-sys=umask',
    `--allow-env=${list(...TUNNEL_VARIABLES)}`,
  ];
}

/** A comma within a value is written twice. */
function list(...values: readonly string[]): string {
  return values.map((value) => value.replaceAll(',', ',,')).join(',');
}
