/** What a TUN with virtio headers may hand out and takes: checksums to complete, and large packets. linux/if_tun.h */
import type { Ffi } from '../ffi.ts';
import { loadLibc } from '../libc.ts';

const TUNSETOFFLOAD = 0x400454d0;
const CSUM = 0x01;
const TSO4 = 0x02;
const TSO6 = 0x04;
const TSO_ECN = 0x08;
/** Linux 6.2. */
const USO4 = 0x20;
const USO6 = 0x40;

/** As much as the kernel knows of; without any the packets come as the MTU cuts them. */
export function setOffloads(ffi: Ffi, tunFd: number): { udpOffload: boolean } {
  const { ioctl } = loadLibc(ffi);
  const set = (flags: number): boolean => ioctl(tunFd, ffi.size(TUNSETOFFLOAD), ffi.handle(flags)) === 0;
  const tcp = CSUM | TSO4 | TSO6 | TSO_ECN;
  if (set(tcp | USO4 | USO6)) return { udpOffload: true };
  if (!set(tcp)) set(0);
  return { udpOffload: false };
}
