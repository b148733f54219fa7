/** The TUN adapter with the FFI of a runtime, and what only a kernel can show. */
import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { readlinkSync } from 'node:fs';
import { after, test } from 'node:test';
import type { Ffi } from '../../runtime/linux/ffi.ts';
import { createTun } from '../../runtime/linux/tun.ts';
import { startPoller } from '../../runtime/linux/start-poller.ts';
import type { Runtime } from '../../runtime/linux/runtime.ts';
import type { TunEvent } from '../../src/tunnel/ports.ts';
import { inNamespace } from './in-namespace.ts';
import { persistentTunConformance } from './persistent-tun.ts';
import { tunQueuesConformance } from './tun-queues.ts';
import { tunConformance, type TunFixture } from './tun.ts';
import { waitFor } from '../interop/lab/wait.ts';

const LOCAL = '10.1.1.1';
const REMOTE = '10.1.1.2';

const ip = (...args: string[]) => execFileSync('ip', args, { stdio: ['ignore', 'pipe', 'pipe'] });

/** `file`: the file of tests that calls this. */
export async function linuxTunConformance(file: string, runtime: Runtime): Promise<void> {
  const ffi = await runtime.loadFfi();
  inNamespace(file, [], () => defineTests(runtime, ffi));
}

function defineTests(runtime: Runtime, ffi: Ffi): void {
  const poller = startPoller(runtime, ffi);
  after(() => poller.close());

  tunConformance('Linux', async (): Promise<TunFixture> => {
    const name = 'test0';
    const tun = createTun(ffi, poller, name);
    const received: Uint8Array[] = [];
    const socket = createSocket('udp4', (message) => received.push(Uint8Array.from(message)));
    socket.bind(); // to another port for each test: Deno lets go of one a while after it was closed
    await once(socket, 'listening');
    const { port } = socket.address();
    return {
      tun,
      local: LOCAL,
      remote: REMOTE,
      port,
      setLink(state) {
        ip('link', 'set', name, state);
        // The kernel takes IPv6 addresses away with the link, IPv4 ones stay.
        ip('address', 'replace', `${LOCAL}/24`, 'dev', name);
      },
      setMtu: (mtu) => void ip('link', 'set', name, 'mtu', String(mtu)),
      remove: () => void ip('link', 'delete', name),
      send: (payload) => socket.send(payload, port, REMOTE),
      receive: () => received.shift(),
      async close() {
        socket.close();
        await tun.close();
      },
    };
  });

  persistentTunConformance(ffi, poller);
  tunQueuesConformance(ffi, poller);

  test('an interface that another process holds is refused', async () => {
    const tun = createTun(ffi, poller, 'taken0');
    assert.throws(() => createTun(ffi, poller, 'taken0'), /cannot create the interface taken0: in use already/);
    await tun.close();
    await waitFor('it is gone with its descriptor', () => !ip('-oneline', 'link').includes('taken0'));
  });

  test('an interface that is moved to another namespace, and on to a third, is followed there', async () => {
    const tun = createTun(ffi, poller, 'moved0');
    const events: TunEvent['type'][] = [];
    tun.onEvent(({ type }) => events.push(type));
    const buffer = new Uint8Array(2000);
    tun.onReadable(() => {
      while (tun.read(buffer, 0) >= 0);
      tun.rearm();
    });
    tun.rearm();
    const home = readlinkSync('/proc/self/ns/net');
    const [second, third] = await Promise.all([openNamespace(), openNamespace()]);

    ip('link', 'set', 'moved0', 'netns', String(second.pid));
    second.ip('link', 'set', 'moved0', 'up', 'mtu', '1300');
    await waitFor('its MTU there is known', () => tun.mtu === 1300);
    await waitFor('it is up there', () => events.at(-1) === 'up');

    second.ip('link', 'set', 'moved0', 'netns', String(third.pid)); // which takes it down
    await waitFor('it is down', () => events.at(-1) === 'down');
    third.ip('link', 'set', 'moved0', 'name', 'other0', 'mtu', '1200', 'up');
    await waitFor('it is up in the third', () => events.at(-1) === 'up' && tun.mtu === 1200);

    assert.equal(readlinkSync('/proc/self/ns/net'), home);
    third.ip('link', 'delete', 'other0');
    await waitFor('it is gone', () => events.at(-1) === 'gone');
    await tun.close();
    second.close();
    third.close();
  });
}

/** A network namespace that lives as long as a process in it. */
async function openNamespace() {
  const child = spawn('unshare', ['--net', 'cat'], { stdio: ['pipe', 'inherit', 'inherit'] });
  const own = readlinkSync('/proc/self/ns/net');
  const pid = child.pid!; // it was started
  await waitFor('the namespace is there', () => readlinkSync(`/proc/${pid}/ns/net`) !== own);
  return {
    pid,
    ip: (...args: string[]) => execFileSync('nsenter', [`--target=${pid}`, '--net', 'ip', ...args]),
    close: () => child.stdin.end(),
  };
}
