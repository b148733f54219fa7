import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { runWgQuick } from '../../../src/cli/quick/wg-quick.ts';

const LINK = ['/usr/bin/node', '/usr/local/bin/wg-quick'] as const;

/** Of a person who is not root, and whose sudo ends with 5. */
function createPorts() {
  const calls: string[][] = [];
  const ports = {
    terminal: { stdout: () => undefined, stderr: () => undefined },
    processes: {
      isRoot: false,
      run: async (program: string, args: readonly string[]) => {
        calls.push([program, ...args]);
        return { exitCode: 5, stdout: '', stderr: '' };
      },
    },
  } as unknown as Parameters<typeof runWgQuick>[1]; // all that it uses
  return { ports, calls };
}

describe('wg-quick of a person who is not root', () => {
  it('asks for it with sudo, and ends as that does', async () => {
    const { ports, calls } = createPorts();
    assert.equal(await runWgQuick(['up', 'wg0'], ports, LINK), 5);
    const prompt = 'wg-quick must be run as root. Please enter the password for %u to continue: ';
    assert.deepEqual(calls, [['sudo', '-p', prompt, '--', ...LINK, 'up', 'wg0']]);
  });

  it('does not need it for its usage', async () => {
    const { ports, calls } = createPorts();
    assert.equal(await runWgQuick(['--help'], ports, LINK), 0);
    assert.equal(await runWgQuick(['toString', 'wg0'], ports, LINK), 1);
    assert.deepEqual(calls, []);
  });
});
