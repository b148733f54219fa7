/**
 * Runs the tests of a file in network, mount and process namespaces of their own, where they may create interfaces and
 * sockets: the file starts itself again in there, and its outcome becomes one test out here.
 */
import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { labOptions, USER_NAMESPACE } from '../interop/lab/requirements.ts';
import { testCommand } from './commands.ts';

const INSIDE = 'PEERAGE_TEST_NAMESPACE';
/** Nothing else, so that a variable that is there and empty does not let them loose on the machine's own network. */
const YES = '1';
/** A hang, and nothing that a slow machine could take. */
const TIMEOUT_MS = 800_000;
const SOCKETS = '/run/wireguard';

/** `programs`: what the tests run besides ip. `define` registers the tests. */
export function inNamespace(file: string, programs: readonly string[], define: () => void): void {
  if (process.env[INSIDE] === YES) {
    execFileSync('ip', ['link', 'set', 'lo', 'up']);
    // The whole folder: without root nothing could be created in the machine's own.
    execFileSync('mount', ['-t', 'tmpfs', 'tmpfs', '/run']);
    mkdirSync(SOCKETS, { recursive: true });
    define();
    return;
  }
  const path = fileURLToPath(file);
  test(`in a namespace: ${path.split('/').at(-1)}`, labOptions(...programs), async () => {
    const namespaces = [...USER_NAMESPACE, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    // Without NODE_TEST_CONTEXT it reports to us and not to our parent.
    const env = { ...process.env, [INSIDE]: YES, NODE_TEST_CONTEXT: undefined };
    // unshare does not pass on SIGTERM, but what it started is killed when it is.
    const options = { env, timeout: TIMEOUT_MS, killSignal: 'SIGKILL' } as const;
    const run = promisify(execFile)('unshare', [...namespaces, ...testCommand(path)], options);
    await assert.doesNotReject(run.catch(explain));
  });
}

function explain(error: Error & { stdout?: string; stderr?: string }): never {
  throw new Error(`${error.message}\n${error.stdout ?? ''}${error.stderr ?? ''}`, { cause: error });
}
