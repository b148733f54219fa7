import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findAgent, stopAgent } from '../../src/cli/agent-process.ts';

/** The host on which process 7 has this command line and was the agent of wg0 when it wrote so. */
function hostWith(commandLine: readonly string[] | undefined): Parameters<typeof findAgent>[0] {
  const files = new Map([['/run/peerage/wg0.agent.json', '{"pid":7,"state":"current"}']]);
  if (commandLine !== undefined) files.set('/proc/7/cmdline', `${commandLine.join('\0')}\0`);
  return {
    files: { read: async (path: string) => files.get(path) },
    processes: { isAlive: () => commandLine !== undefined },
  } as unknown as Parameters<typeof findAgent>[0]; // all it uses
}

const NODE = ['/usr/bin/node', '/usr/lib/peerage/main.ts'];

describe('the agent of an interface', () => {
  it('is the process that it was, by its command line', async () => {
    for (const args of [
      ['agent', 'wg0'],
      ['agent', '/home/teddy/wg0.conf'],
      ['agent', 'wg0.conf'],
      ['service', 'run', 'wg0'],
      ['join', 'vpn.example.net', '--foreground'],
      ['join', 'vpn.example.net', '--interface', 'wg0', '--foreground'],
      ['join', 'vpn.example.net', '--interface=wg0', '--foreground'],
    ])
      assert.equal(await findAgent(hostWith([...NODE, ...args]), 'wg0'), 7, args.join(' '));
  });

  it('is no other process that got its number, and not the agent of another interface', async () => {
    for (const args of [
      ['agent', 'wg1'],
      ['agent', '/home/teddy/awg0.conf'],
      ['service', 'run', 'wg1'],
      ['join', 'vpn.example.net', '--interface', 'wg1', '--foreground'],
      ['join', 'vpn.example.net', '--interface=wg1', '--foreground'],
      ['show', 'wg0'],
    ])
      assert.equal(await findAgent(hostWith([...NODE, ...args]), 'wg0'), undefined, args.join(' '));
    assert.equal(await findAgent(hostWith(undefined), 'wg0'), undefined);
  });

  it('is waited for while it takes its interface down, and a person is told', async () => {
    let now = 0;
    let said = '';
    const host = hostWith([...NODE, 'service', 'run', 'wg0']);
    const ports = {
      files: { ...host.files, remove: async () => undefined },
      processes: { isAlive: () => now < 60_000, kill: () => true },
      services: { sleep: async (ms: number) => void (now += ms) },
      clock: { monotonic: () => now },
      terminal: { stderr: (text: string) => void (said += text) },
    } as unknown as Parameters<typeof stopAgent>[0]; // all it uses
    await stopAgent(ports, 'wg0');
    assert.ok(now >= 60_000);
    assert.equal(said, 'Waiting for process 7 to end ...\n');
  });
});
