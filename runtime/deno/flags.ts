/**
 * The flags with which Deno runs our programs: for each the fewest that it works with. docs/guide/deno.md says what each is for,
 * and a test starts each program with them.
 */
import { resolve } from 'node:path';
import { DOCS_FOLDER } from '../linux/docs-files.ts';
import { SOCKET_FOLDER } from '../linux/uapi-socket.ts';

/** Nobody is asked: what is not allowed is an error. */
const SILENT = '--no-prompt';
/** Workers are loaded at run time, and so under the rules for reading. */
const CODE = ['runtime', 'src'].map((folder) => resolve(import.meta.dirname, '../..', folder));

const TUNNEL_VARIABLES = ['LOG_LEVEL', 'PEERAGE_READY_FD', 'PEERAGE_THREADS', 'WG_TUN_FD', 'WG_UAPI_FD'];
const WG_VARIABLES = ['TERM', 'WG_COLOR_MODE', 'WG_ENDPOINT_RESOLUTION_RETRIES', 'WG_HIDE_KEYS'];

export const FLAGS = {
  /** `peerage-tun -f` with any interface, without a key log. */
  tunnel: tunnelFlags(),

  /** wg(8) with any interface, with keys from /etc/wireguard. */
  wg: wgFlags(),

  /** Everything that `peerage` can do. It starts programs, and those do as they like. */
  peerage: [SILENT, '--allow-all', '--unstable-no-legacy-abort'],
} as const;

interface RegistryFlags {
  /** Tells it when it is ready. */
  underSystemd?: boolean;
}

/** `peerage registry serve` on this address, with its database in this folder. */
export function registryFlags(folder: string, listen: string, { underSystemd = false }: RegistryFlags = {}): string[] {
  return [
    SILENT,
    `--allow-read=${list(folder, resolve(DOCS_FOLDER))}`,
    `--allow-write=${list(folder)}`,
    `--allow-net=${listen}`,
    '--allow-sys=hostname,uid',
    ...(underSystemd ? starting('systemd-notify') : ['--allow-env=LOG_LEVEL,NOTIFY_SOCKET,TERM']),
    // Else Deno aborts requests that were answered, and writes a paragraph about it.
    '--unstable-no-legacy-abort',
  ];
}

interface WgFlags {
  /** Of the interface; any, unless told. */
  name?: string;
  /** Endpoints may be host names. */
  withHostNames?: boolean;
}

/** wg(8), with keys from /etc/wireguard. */
export function wgFlags({ name, withHostNames = false }: WgFlags = {}): string[] {
  return [
    SILENT,
    `--allow-read=${list(SOCKET_FOLDER, '/etc/wireguard')}`,
    `--allow-write=${SOCKET_FOLDER}`,
    name === undefined || withHostNames ? '--allow-net' : `--allow-net=unix:${SOCKET_FOLDER}/${name}.sock`,
    '--allow-sys=hostname,uid',
    ...(withHostNames ? starting('getent') : [`--allow-env=${list(...WG_VARIABLES)}`]),
  ];
}

interface TunnelFlags {
  /** Of the interface; any, unless told. */
  name?: string;
  /** What PEERAGE_KEYLOG names, if it may be asked for; empty for no file. */
  keyLogFile?: string | undefined;
}

/** `peerage-tun -f`. */
export function tunnelFlags({ name, keyLogFile }: TunnelFlags = {}): string[] {
  // The socket is made under another name first. Datagrams go through FFI.
  const socket = `unix:${SOCKET_FOLDER}/${name}.sock`;
  return [
    SILENT,
    '--allow-ffi',
    `--allow-read=${list(...CODE, SOCKET_FOLDER)}`,
    `--allow-write=${list(SOCKET_FOLDER, ...(keyLogFile ? [resolve(keyLogFile)] : []))}`,
    name === undefined ? '--allow-net' : `--allow-net=${list(socket, `${socket}.new`)}`,
    '--allow-sys=umask',
    `--allow-env=${list(...TUNNEL_VARIABLES, ...(keyLogFile === undefined ? [] : ['PEERAGE_KEYLOG']))}`,
  ];
}

/** Deno hands a program either all variables or none. */
function starting(program: string): string[] {
  return ['--allow-env', `--allow-run=${program}`];
}

/** A comma within a value is written twice. */
function list(...values: readonly string[]): string {
  return values.map((value) => value.replaceAll(',', ',,')).join(',');
}
