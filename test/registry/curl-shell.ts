/** A shell on a host of a registry, for tests: runs the curl commands of the documents as they are written, by sh and the real curl. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import process from 'node:process';
import type { TestContext } from 'node:test';
import type { CurlCall } from '../docs/curl-calls.ts';
import { waitFor } from '../interop/lab/wait.ts';
import type { Lab } from './lab.ts';

const REGISTRY = 'https://vpn.example.net';
/** Of a line, up to what its shell does afterwards with the answer. */
const COMMAND = /\bcurl (?:'[^']*'|"[^"]*"|[^'"|;&])+(?:&& +echo '[^']*' >> \S+)?/;
/** Folders of the system, in which this shell writes nothing. */
const FOLDERS = /\/(?:etc\/wireguard|etc\/systemd\/network|etc\/nixos|etc|run|tmp)(?=\/[\w.]+)/g;

export interface Shell {
  /** Puts a file where the commands look for it. */
  put(name: string, content: string | Uint8Array): Promise<void>;
  /** Runs the command with that in place of what stands for something of the reader's. */
  run(call: CurlCall, known: ReadonlyMap<RegExp, string>, options?: RunOptions): Promise<Ran>;
}

interface RunOptions {
  /** What a program before it has printed. */
  readonly input?: string;
  /** The answer has no end by itself: what has come with its head is enough. */
  readonly isEndless?: boolean;
}

export interface Ran {
  readonly status: number;
  readonly exitCode: number | null;
  /** With what went to stderr. */
  readonly output: string;
}

export async function startShell(t: TestContext, lab: Lab): Promise<Shell> {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-curl-'));
  t.after(() => rm(folder, { recursive: true }));
  const put: Shell['put'] = (name, content) => writeFile(join(folder, name), content);
  const head = join(folder, 'head');
  await put('.curlrc', `dump-header = "${head}"\n`);
  return {
    put,
    async run({ line }, known, { input = '', isEndless = false } = {}) {
      await rm(head, { force: true });
      let command = COMMAND.exec(line.text)?.[0] ?? '';
      for (const [what, value] of known) command = command.replaceAll(what, () => value);
      command = command.replaceAll(FOLDERS, folder);
      assert.ok(command.includes(REGISTRY), line.at);
      command = command.replace(REGISTRY, lab.url);
      const env = { PATH: process.env['PATH'], CURL_HOME: folder, HOME: folder };
      const child = spawn('sh', ['-c', isEndless ? `exec ${command}` : command], { cwd: folder, env });
      const closed = once(child, 'close');
      let output = '';
      for (const stream of [child.stdout, child.stderr]) stream.on('data', (data: Buffer) => (output += String(data)));
      child.stdin.on('error', () => undefined); // not every command reads it
      child.stdin.end(input);
      if (isEndless) {
        await waitFor(`the answer to ${command} begins`, () => child.exitCode !== null || statusIn(head) !== undefined);
        child.kill();
      }
      await closed;
      return { status: statusIn(head) ?? Number.NaN, exitCode: child.exitCode, output };
    },
  };
}

/** Of the last answer in a file of heads; an earlier one may have been 100. */
function statusIn(file: string): number | undefined {
  if (!existsSync(file)) return undefined;
  const status = [...readFileSync(file, 'latin1').matchAll(/^HTTP\/\S+ (\d{3})/gm)].at(-1)?.[1];
  return status === undefined ? undefined : Number(status);
}
