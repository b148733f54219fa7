/** The real TUN and the real sockets of the stages, in a network namespace of this process. Everything ends with the process. */
import { execFileSync } from 'node:child_process';
import type { Ffi } from '../../runtime/linux/ffi.ts';
import { SOL_UDP, UDP_GRO } from '../../runtime/linux/fast/fast-libc.ts';
import { setOffloads } from '../../runtime/linux/fast/tun-offload.ts';
import { loadLibc, LibcError } from '../../runtime/linux/libc.ts';
import { IFNAME_BYTES, IFREQ_BYTES } from '../../runtime/linux/link.ts';
import { Memory } from '../../runtime/linux/memory.ts';
import { AF_INET, IP_PKTINFO, IPPROTO_IP } from '../../runtime/linux/socket-message.ts';
import { MTU } from './sizes.ts';

const O_RDWR_NONBLOCK_CLOEXEC = 0x80802;
const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI_VNET_HDR = 0x5001;
const SOCK_DGRAM_NONBLOCK_CLOEXEC = 0x80802;
const SOL_SOCKET = 1;
const SO_RCVBUF = 8;
const SO_SNDBUFFORCE = 32;
const SO_RCVBUFFORCE = 33;
/** Enough for all messages of a round, with what the kernel counts for them. */
const ROOMY = 1 << 28;
const NAME = 'bench0';

/** The other end of the TUN's network: nobody is there. */
export const BEHIND_TUN = [10, 99, 0, 2] as const;
const LOOPBACK = [127, 0, 0, 1] as const;

/** A TUN with virtio headers that is up. Throws where it does not take large UDP packets, Linux 6.2. */
export function openTun(ffi: Ffi): number {
  const libc = loadLibc(ffi);
  const request = new Memory(ffi, IFREQ_BYTES);
  request.setText(0, '/dev/net/tun');
  const fd = libc.open(request.at(0), O_RDWR_NONBLOCK_CLOEXEC);
  if (fd < 0) throw new LibcError('cannot open /dev/net/tun', ffi.errno());
  request.bytes.fill(0);
  request.setText(0, NAME);
  request.view.setUint16(IFNAME_BYTES, IFF_TUN_NO_PI_VNET_HDR, true);
  if (libc.ioctl(fd, ffi.size(TUNSETIFF), request.at(0)) < 0)
    throw new LibcError('cannot create an interface', ffi.errno());
  if (!setOffloads(ffi, fd).udpOffload) throw new Error('The TUN gives no large UDP packets: Linux 6.2 is needed.');
  // Without an address of IPv6 the kernel asks for no router, and nothing comes but what a stage sends.
  for (const words of [
    `link set ${NAME} addrgenmode none`,
    `address add 10.99.0.1/24 dev ${NAME}`,
    `link set ${NAME} mtu ${MTU} up`,
    'link set lo up',
  ])
    execFileSync('ip', words.split(' '));
  return fd;
}

export interface BoundSocket {
  readonly fd: number;
  readonly address: typeof LOOPBACK;
  readonly port: number;
}

/** A socket as the workers have theirs, to be reached on loopback. `deaf`: it has room for next to nothing, and what comes is dropped. */
export function openSocket(ffi: Ffi, port: number, { deaf }: { deaf: boolean }): BoundSocket {
  const libc = loadLibc(ffi);
  const scratch = new Memory(ffi, 16);
  const fd = libc.socket(AF_INET, SOCK_DGRAM_NONBLOCK_CLOEXEC, 0);
  if (fd < 0) throw new LibcError('cannot open a socket', ffi.errno());
  const set = (level: number, name: number, value: number): void => {
    scratch.view.setInt32(0, value, true);
    if (libc.setsockopt(fd, level, name, scratch.at(0), 4) < 0)
      throw new LibcError('cannot set up a socket', ffi.errno());
  };
  if (deaf) set(SOL_SOCKET, SO_RCVBUF, 1);
  else {
    set(SOL_SOCKET, SO_RCVBUFFORCE, ROOMY);
    set(SOL_SOCKET, SO_SNDBUFFORCE, ROOMY);
    set(SOL_UDP, UDP_GRO, 1);
    set(IPPROTO_IP, IP_PKTINFO, 1);
  }
  scratch.bytes.fill(0);
  scratch.view.setUint16(0, AF_INET, true);
  scratch.view.setUint16(2, port);
  if (libc.bind(fd, scratch.at(0), 16) < 0) throw new LibcError(`cannot bind UDP port ${port}`, ffi.errno());
  return { fd, address: LOOPBACK, port };
}
