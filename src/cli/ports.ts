/**
 * What commands see of the world. runtime/ implements these once (they need only what Node, Bun and Deno share);
 * tests hand in small fakes or the real thing.
 */
import type { Clock, RandomBytes } from '../clock.ts';
import type { CryptoProvider } from '../crypto/port.ts';
import type { Log } from '../log.ts';

export interface Terminal {
  /** Results. */
  stdout(text: string): void;
  /** Messages and progress. */
  stderr(text: string): void;
  stdin(): Promise<string>;
  /** Whether a person is looking: decides on colours and progress lines. NO_COLOR and TERM=dumb are honoured here. */
  readonly stdoutIsTerminal: boolean;
  readonly stderrIsTerminal: boolean;
  /** Standard output is a file that everybody may read or write: no place for a secret. */
  readonly stdoutIsWorldAccessible: boolean;
  /** Infinity when standard output is no terminal: what goes into a file or a pipe is not folded. */
  readonly columns: number;
  /** Asks on the terminal; empty for who leaves it (Ctrl+C, Ctrl+D), undefined when there is nobody to ask. */
  ask(question: string): Promise<string | undefined>;
}

export interface Files {
  /** Text of a file, or undefined when there is none. Other failures throw a UserError that names the file. */
  read(path: string): Promise<string | undefined>;
  /**
   * Writes a new file beside and renames it over the old one, so that a reader sees the one or the other. Folders that
   * are missing are made, for the owner only unless everybody may read the file.
   */
  write(path: string, content: string | Uint8Array, options: { mode: number }): Promise<void>;
  remove(path: string): Promise<void>;
  /** Absolute and without links; itself when there is no such file. */
  realPath(path: string): Promise<string>;
  /** Names in a folder, sorted; empty when there is no such folder. */
  list(folder: string): Promise<string[]>;
  /** What a link leads to, as it says; undefined when nothing has that name, empty when it is no link. */
  linkTarget(path: string): Promise<string | undefined>;
  /** Makes a link, or puts one into the place of a file or link. Folders that are missing are made. */
  link(path: string, target: string): Promise<void>;
  /** Permission bits, or undefined when there is no such file. */
  mode(path: string): Promise<number | undefined>;
}

export interface ProcessResult {
  exitCode: number;
  stdout: string;
  stderr: string;
}

/** Programs as a link may lead to them: it is by its name that `peerage` knows that it is wg(8). */
export interface LinkTargets {
  readonly peerage: string;
  readonly peerageTun: string;
}

export interface Processes {
  /**
   * Runs a program without a shell and waits for it. A missing program gives exit code 127. With `output: 'inherit'` it
   * reads and writes where this process does, and what it leaves running in the background is not waited for.
   */
  run(
    program: string,
    args: readonly string[],
    options?: { input?: string; env?: Record<string, string>; output?: 'capture' | 'inherit' },
  ): Promise<ProcessResult>;
  /** Whether a program is on the PATH. */
  has(program: string): Promise<boolean>;
  /** Runs `peerage` itself with these arguments, detached from this terminal; its output goes to `logFile`. */
  spawnSelf(args: readonly string[], options: { logFile?: string }): Promise<{ pid: number }>;
  /** False when there was no such process. */
  kill(pid: number, signal: 'SIGTERM' | 'SIGHUP'): boolean;
  isAlive(pid: number): boolean;
  /** Resolves on SIGINT or SIGTERM. */
  interrupted(): Promise<void>;
  /** How `peerage` itself is started: a program by its full path, and its first arguments. */
  readonly self: readonly [program: string, ...args: string[]];
  /** Undefined where a program does not run through a link. */
  readonly linkTargets?: LinkTargets;
  /** The licences of what is in the program; undefined where all of that lies beside it. */
  readonly licences?: () => Promise<string>;
  /** What runs it, and in which version: `Node 24.21.0`. */
  readonly runtime: string;
  readonly pid: number;
  readonly isRoot: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly hostname: string;
}

/** The UAPI sockets of running tunnels, ours and other implementations' alike: /var/run/wireguard/NAME.sock. */
export interface UapiClient {
  interfaces(): Promise<string[]>;
  /** Sends a request (`get=1\n\n` or `set=1\n...\n\n`), returns the answer up to its empty line. UserError when there is no such tunnel. */
  exchange(name: string, request: string): Promise<string>;
}

export interface Names {
  /** Why a host name has no address: in the C library's words, and whether it is worth asking again. */
  whyUnresolved(host: string): Promise<{ message: string; isTemporary: boolean }>;
}

export interface HttpRequest {
  method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  url: string;
  headers?: Record<string, string>;
  body?: string;
  timeoutMs?: number;
  /** Gives the request up: the promise rejects. */
  signal?: AbortSignal;
}

export interface HttpResponse {
  status: number;
  headers: Headers;
  body: string;
}

export interface Http {
  /** UserError when the server cannot be reached; every status is an answer. */
  request(request: HttpRequest): Promise<HttpResponse>;
  /** Opens a WebSocket. UserError when there is none within the time. */
  listen(request: Pick<HttpRequest, 'url' | 'headers' | 'timeoutMs'>): Promise<Socket>;
}

/** An open WebSocket, for text. */
export interface Socket {
  send(text: string): void;
  /** What comes next; the code when it was closed, by either side. Never rejects. */
  next(): Promise<{ type: 'frame'; text: string } | { type: 'end'; code: number }>;
  close(): void;
}

/** A row of a database, by the names of its columns. */
export type Row = Readonly<Record<string, unknown>>;

/** The rows of each query over a database of somebody else, which stays as it is. UserError when it is none, or damaged. */
export type DatabaseReader = (file: string, queries: readonly string[]) => Promise<Row[][]>;

/** Long-running parts that live in runtime/ because they own sockets, devices or databases. */
export interface Services {
  /** Starts the tunnel daemon for an interface and returns when its UAPI socket answers. */
  startTunnel(name: string, options: { crypto?: string }): Promise<void>;
  /** Runs the tunnel in this process until its interface goes away or a signal comes. */
  runTunnel(name: string, options: { foreground: boolean; crypto?: string; threads?: string }): Promise<number>;
  /** Serves the registry until a signal comes. `onListening` gets its URL. */
  serveRegistry(options: {
    databaseFile: string;
    hostname: string;
    port: number;
    publicUrl?: string;
    onListening(info: { url: string; adminKey?: string }): void;
  }): Promise<void>;
  /** Copies of a registry's database. UserError when something is in the way; then nothing was changed. */
  databases: {
    /** A copy of one moment, also while others write. */
    backup(files: { from: string; to: string }): Promise<void>;
    /** As SQL. */
    export(files: { from: string; to: string }): Promise<void>;
    /** Also while others read and write. Gives the name under which the old contents are kept, when there were any. */
    restore(files: { from: string; to: string }): Promise<string | undefined>;
    read: DatabaseReader;
  };
  /** Resolves after so many ms, or as soon as the signal is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export interface Ports {
  terminal: Terminal;
  files: Files;
  processes: Processes;
  uapi: UapiClient;
  names: Names;
  http: Http;
  services: Services;
  clock: Clock;
  random: RandomBytes;
  /** The provider of this machine. To find it may take as long as all the rest of a small command: asked for where it is needed. */
  crypto(): Promise<CryptoProvider>;
  log: Log;
}
