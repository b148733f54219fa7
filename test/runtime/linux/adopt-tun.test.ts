/** A TUN descriptor that somebody else opened: used when its packets come bare, refused in words when they do not. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { after, test } from 'node:test';
import { loadLibc } from '../../../runtime/linux/libc.ts';
import { IFNAME_BYTES, IFREQ_BYTES } from '../../../runtime/linux/link.ts';
import { Memory } from '../../../runtime/linux/memory.ts';
import { startPoller } from '../../../runtime/linux/start-poller.ts';
import { adoptTun } from '../../../runtime/linux/tun.ts';
import { ffi } from '../../../runtime/node/ffi.ts';
import { runtime } from '../../../runtime/node/runtime.ts';
import { UserError } from '../../../src/errors.ts';
import { inNamespace } from '../../conformance/in-namespace.ts';
import { waitFor } from '../../interop/lab/wait.ts';

const O_RDWR = 2;
const TUNSETIFF = 0x400454ca;
const IFF_TUN = 1;
const IFF_TAP = 2;
const IFF_MULTI_QUEUE = 0x100;
const IFF_NO_PI = 0x1000;
const IFF_VNET_HDR = 0x4000;

const NAME = 'adopt0';
const LOCAL = '10.1.1.1';
const REMOTE = '10.1.1.2';

inNamespace(import.meta.url, [], () => {
  const libc = loadLibc(ffi);
  const poller = startPoller(runtime, ffi);
  after(() => poller.close());

  /** The number of a descriptor as another process would open it: blocking. */
  function open(path: string, flags?: number): number {
    const request = new Memory(ffi, IFREQ_BYTES);
    request.setText(0, path);
    const fd = libc.open(request.at(0), O_RDWR);
    if (flags === undefined) return fd;
    request.bytes.fill(0);
    request.setText(0, NAME);
    request.view.setUint16(IFNAME_BYTES, flags, true);
    assert.equal(libc.ioctl(fd, ffi.size(TUNSETIFF), request.at(0)), 0, `flags ${flags}`);
    return fd;
  }

  for (const [kind, flags] of [
    ['plain', IFF_TUN | IFF_NO_PI],
    ['one of a multi-queue interface', IFF_TUN | IFF_NO_PI | IFF_MULTI_QUEUE],
  ] as const)
    for (const state of ['down', 'up'])
      test(`a descriptor that is ${kind} and ${state} is used, with what its interface has become already`, async () => {
        const fd = open('/dev/net/tun', flags);
        execFileSync('ip', ['address', 'add', `${LOCAL}/24`, 'dev', NAME]);
        execFileSync('ip', ['link', 'set', NAME, 'mtu', '1300', state]);
        const tun = adoptTun(ffi, poller, fd);
        const socket = createSocket('udp4');
        try {
          assert.deepEqual([tun.name, tun.mtu], [NAME, 1300]);
          execFileSync('ip', ['link', 'set', NAME, 'up']);
          const events: string[] = [];
          tun.onEvent(({ type }) => events.push(type));
          await waitFor('it is said to be up', () => events.includes('up'));
          const sent = Buffer.from('a packet, with nothing before it');
          socket.send(sent, 5353, REMOTE);
          const buffer = Buffer.alloc(2000);
          await waitFor('it is read', () => {
            const length = tun.read(buffer, 0);
            return length > 0 && buffer.subarray(length - sent.length, length).equals(sent) && buffer[0] === 0x45;
          });
        } finally {
          socket.close();
          await tun.close();
        }
      });

  for (const [flags, message] of [
    [IFF_TAP | IFF_NO_PI, 'is a TAP, which carries Ethernet frames'],
    [IFF_TUN, 'is a TUN without IFF_NO_PI'],
    [IFF_TUN | IFF_NO_PI | IFF_VNET_HDR, 'is a TUN with IFF_VNET_HDR'],
  ] as const)
    for (const state of ['down', 'up'])
      test(`a descriptor that would be misread is refused: it ${message}, and is ${state}`, () => {
        const fd = open('/dev/net/tun', flags);
        try {
          execFileSync('ip', ['link', 'set', NAME, state]);
          assert.throws(
            () => adoptTun(ffi, poller, fd),
            (error) => {
              assert.ok(error instanceof UserError);
              assert.ok(error.message.startsWith(`descriptor ${fd} ${message}`), error.message);
              assert.equal(error.remedy, 'Open it with IFF_TUN | IFF_NO_PI and no other flag.');
              return true;
            },
          );
        } finally {
          libc.close(fd); // it is still whose it was
        }
      });

  for (const path of ['/dev/net/tun', '/dev/null'])
    test(`a descriptor of ${path} without an interface is refused`, () => {
      const fd = open(path);
      try {
        assert.throws(() => adoptTun(ffi, poller, fd), /^UserError: descriptor \d+ is not a TUN with an interface/);
      } finally {
        libc.close(fd);
      }
    });

  test('a descriptor that is not open is refused', () => {
    assert.throws(() => adoptTun(ffi, poller, 999), /descriptor 999 is not a TUN with an interface/);
  });
});
