/** Registries as processes of their own, on the runtime at hand: bundled once, because a test starts hundreds of them. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { symlink, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import process from 'node:process';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';
import { runtime } from '../../runtime/this-runtime.ts';

export interface RegistryProcess {
  readonly pid: number;
  readonly url: string;
  /** The first time that a database is served. */
  readonly adminKey: string | undefined;
  /** SIGKILL; resolves when the process is gone. */
  kill(): Promise<void>;
}

const ROOT = resolve(import.meta.dirname, '../../..');
/** Deno wants to be told that it may do what Node does. */
const DENO_FLAGS = ['run', '--no-check', '--no-prompt', '--allow-all'];

/** A runtime, and the program that it is. */
export interface RegistryHost {
  readonly name: string;
  readonly program: string;
}

/** A function of the tree that runs the program, and where it is: it gets what each runtime does its own way. */
interface Main {
  readonly name: string;
  readonly path: string;
}

const SERVE: Main = { name: 'serve', path: 'test/registry/security/serve.ts' };

/** Makes the program in a folder of the test's; gives the command that runs it, which wants a database file as its last word. */
export async function bundleRegistry(
  folder: string,
  host: RegistryHost = { name: runtime.name, program: process.execPath },
  main = SERVE,
): Promise<readonly string[]> {
  const [entry, program] = [join(folder, 'entry.ts'), join(folder, 'program.mjs')];
  const inTree = (path: string) => JSON.stringify(join(ROOT, path));
  await writeFile(
    entry,
    `import { openDatabase } from ${inTree(`runtime/${host.name}/database.ts`)};
    import { startHttpServer } from ${inTree(`runtime/${host.name}/http-server.ts`)};
    import { ${main.name} } from ${inTree(main.path)};
    await ${main.name}({ openDatabase, startHttpServer });`,
  );
  // What is native, or a part of the runtime, cannot be bundled: it is found where it is installed.
  await symlink(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
  const outside = ['better-sqlite3', 'bun', 'bun:sqlite'].map((name) => `--external:${name}`);
  const options = ['--bundle', '--platform=node', '--format=esm', '--log-level=error', ...outside];
  await promisify(execFile)(join(ROOT, 'node_modules/.bin/esbuild'), [...options, `--outfile=${program}`, entry]);
  return [host.program, ...(host.name === 'deno' ? DENO_FLAGS : []), program];
}

/** Runs the command; resolves when the registry listens. */
export async function startRegistryProcess([program, ...args]: readonly string[]): Promise<RegistryProcess> {
  assert(program !== undefined);
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const gone = once(child, 'close');
  const line = await Promise.race([once(createInterface(child.stdout), 'line'), gone.then(() => undefined)]);
  assert(line !== undefined && child.pid !== undefined, `${program} ended before it listened`);
  return {
    pid: child.pid,
    ...(JSON.parse(String(line[0])) as { url: string; adminKey: string | undefined }), // what serve.ts prints
    async kill() {
      child.kill('SIGKILL');
      await gone;
    },
  };
}
