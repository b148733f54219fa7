/** A host on which Debian's wg(8) and ours, called through a link of that name, can be asked the same. */
import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import type { Host } from '../../interop/lab/host.ts';
import { Lab } from '../../interop/lab/lab.ts';
import type { ProcessResult, RunningProcess } from '../../interop/lab/process.ts';
import { MAIN } from '../peerage.ts';

const RECORDING_UAPI = fileURLToPath(new URL('recording-uapi.ts', import.meta.url));
const RUN_BOTH = fileURLToPath(new URL('run-both.ts', import.meta.url));
const THEIRS = '/usr/bin/wg';
const OURS = '/run/ours/wg';

export interface Call {
  env?: Record<string, string>;
  /** Of the pipe that is its standard input. */
  input?: string;
}

export interface BothCase {
  args: readonly string[];
  /** What is in FILE. */
  file?: string;
  /** What the tunnel answers to a get, `errno=0` and nothing else unless told. */
  state?: string;
}

export interface BothInput {
  cases: readonly BothCase[];
  /** Where `file` goes. */
  file: string;
}

/** The file that a case may name. */
export const FILE = '/run/case.conf';

export interface Outcome {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** The changes that the tunnel was told. */
  told: string;
}

export class BesideWg implements AsyncDisposable {
  readonly lab: Lab;
  readonly host: Host;

  private constructor(lab: Lab, host: Host) {
    this.lab = lab;
    this.host = host;
  }

  static async open(): Promise<BesideWg> {
    const lab = await Lab.open();
    const host = await lab.host('host');
    await host.output('sh', ['-c', `mkdir /run/ours && ln -s '${MAIN}' ${OURS}`]);
    return new BesideWg(lab, host);
  }

  /** A tunnel that answers with this and records what it is told. */
  async serve(name: string, answer: string, errno = 0): Promise<RunningProcess> {
    const server = await this.host.spawn('node', [RECORDING_UAPI, name, String(errno)]);
    server.write(answer);
    server.endInput();
    await this.host.waitFor('the socket listens', () => server.stdout.includes('listening'));
    return server;
  }

  async theirs(args: readonly string[], call: Call = {}): Promise<ProcessResult> {
    return this.#run(THEIRS, args, call);
  }

  async ours(args: readonly string[], call: Call = {}): Promise<ProcessResult> {
    return this.#run(OURS, args, call);
  }

  /** Both print the same on both outputs, and end with the same exit code. Returns it. */
  async same(args: readonly string[], call: Call = {}): Promise<ProcessResult> {
    const [theirs, ours] = await Promise.all([this.theirs(args, call), this.ours(args, call)]);
    assert.deepEqual(ours, theirs, `wg ${args.join(' ')}`);
    return ours;
  }

  /** As `same`, and both tell the tunnel the same. Returns what that is. */
  async sameChange(server: RunningProcess, args: readonly string[], call: Call = {}): Promise<string> {
    const told = async (run: Promise<ProcessResult>): Promise<[ProcessResult, string]> => {
      const before = server.stdout.length;
      const result = await run;
      assert.equal(result.exitCode, 0, `wg ${args.join(' ')}: ${result.stderr}`);
      const isWhole = (): boolean => server.stdout.length > before && server.stdout.endsWith('\n\n');
      await this.host.waitFor('the change is recorded', isWhole);
      return [result, server.stdout.slice(before)];
    };
    const theirs = await told(this.theirs(args, call));
    const ours = await told(this.ours(args, call));
    assert.deepEqual(ours, theirs, `wg ${args.join(' ')}`);
    return ours[1];
  }

  /** Many command lines for a tunnel wg0, ours in one process. */
  async both(cases: readonly BothCase[]): Promise<{ theirs: Outcome; ours: Outcome }[]> {
    const input = JSON.stringify({ cases, file: FILE } satisfies BothInput);
    const env = { WG_ENDPOINT_RESOLUTION_RETRIES: '0' };
    const output = await this.host.output('node', [RUN_BOTH], { input, env, timeoutMs: 600_000 });
    return JSON.parse(output) as { theirs: Outcome; ours: Outcome }[]; // as run-both.ts writes it
  }

  async write(path: string, text: string): Promise<void> {
    await this.host.output('tee', [path], { input: text });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.lab[Symbol.asyncDispose]();
  }

  /** In both cases wg(8) is called by its name alone, which is what it shows in its usage; and its input is a pipe. */
  async #run(program: string, args: readonly string[], { env = {}, input = '' }: Call): Promise<ProcessResult> {
    const script = 'PATH="$0:$PATH"; cat | wg "$@"';
    const folder = program.slice(0, program.lastIndexOf('/'));
    return this.host.run('sh', ['-c', script, folder, ...args], { env, input });
  }
}
