/**
 * What Node, Bun and Deno do not have in common: three ports, and how each starts programs and threads. Every other file of this
 * folder takes one of these, and each runtime's own folder makes one, with files of the same names.
 *
 * All of it is lazy: a command that needs no tunnel loads no FFI, one that needs no registry loads no SQLite.
 */
import type { LinkTargets } from '../../src/cli/ports.ts';
import type { ReadDocsFile } from '../../src/registry/render/docs-page.ts';
import type { OpenDatabase } from './database.ts';
import type { Ffi } from './ffi.ts';
import type { HttpServer, HttpServerOptions } from './http-server.ts';

/** A program by its full path, and its first arguments. */
export type Command = readonly [program: string, ...args: string[]];

export interface Runtime {
  readonly name: Ffi['name'];
  /** Rejects where the machine has none: commands that need no tunnel run there as well. */
  loadFfi(): Promise<Ffi>;
  /** Opens a database file, or makes one that only its owner can read. Rejects with UserError when that cannot be. */
  openDatabase(file: string): Promise<OpenDatabase>;
  /** Resolves when it listens. Rejects with UserError when it cannot. */
  startHttpServer(options: HttpServerOptions): Promise<HttpServer>;
  /** The files of the registry's pages at /docs. */
  readonly readDocsFile: ReadDocsFile;
  /** The module that each kind of thread starts with. */
  readonly workers: Readonly<Record<'poll' | 'fast', URL>>;
  /** How to start `peerage`. */
  readonly peerage: Command;
  /** How to start the program under the name by which it was called, which decides what it does. */
  readonly calledAs: Command;
  /** How to start `peerage-tun`. */
  readonly peerageTun: Command;
  /** The files that links may lead to; undefined where a program does not run through a link. */
  readonly linkTargets?: LinkTargets;
  /** The licences of what the program has inside; undefined where that lies beside it in packages, each with its own. */
  readonly licences?: () => Promise<string>;
}
