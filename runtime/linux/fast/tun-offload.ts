/** What a TUN with virtio headers may hand out and takes: checksums to complete, and large packets. linux/if_tun.h */
import type { Ffi } from '../ffi.ts';
import { loadLibc } from '../libc.ts';
import { Memory } from '../memory.ts';
import { HEADER_BYTES, NetlinkQuestion } from '../netlink.ts';
import { setOffload } from '../tun.ts';

const CSUM = 0x01;
const TSO4 = 0x02;
const TSO6 = 0x04;
const TSO_ECN = 0x08;
/** Linux 6.2. */
const USO4 = 0x20;
const USO6 = 0x40;

const RTM_NEWLINK = 16;
const IFINFOMSG_BYTES = 16;
const IFI_INDEX = 4;
const IFLA_GSO_MAX_SIZE = 41;
/** 45 segments of the usual MTU, with timestamps: as much as one UDP GSO send takes, so that no read becomes two. */
const LARGEST = 45 * 1368 + 52;

/** Asks the kernel for large packets of a length that one send takes. Without the right to, or in old kernels, nothing changes. */
export function limitLargePackets(ffi: Ffi, name: string): void {
  const text = new Memory(ffi, 64);
  text.setText(0, name);
  const index = loadLibc(ffi).if_nametoindex(text.at(0));
  if (index === 0) return;
  const netlink = new NetlinkQuestion(ffi);
  netlink.begin(RTM_NEWLINK, IFINFOMSG_BYTES);
  netlink.question.view.setInt32(HEADER_BYTES + IFI_INDEX, index, true);
  netlink.addUint32(IFLA_GSO_MAX_SIZE, LARGEST);
  netlink.ask(RTM_NEWLINK);
  netlink.close();
}

/** As much as the kernel knows of; without any the packets come as the MTU cuts them. */
export function setOffloads(ffi: Ffi, tunFd: number): { udpOffload: boolean } {
  const set = (flags: number): boolean => setOffload(ffi, tunFd, flags);
  const tcp = CSUM | TSO4 | TSO6 | TSO_ECN;
  if (set(tcp | USO4 | USO6)) return { udpOffload: true };
  if (!set(tcp)) set(0);
  return { udpOffload: false };
}
