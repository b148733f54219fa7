/** Whether a tunnel can be made here at all: the TUN device, and the right to use it. */
import type { Ports } from '../ports.ts';
import { about, type Finding } from './finding.ts';

const DEVICE = '/dev/net/tun';
/** capabilities(7) */
const CAP_NET_ADMIN = 1n << 12n;

export interface TunFacts {
  exists: boolean;
  /** What opening it said; undefined when it went well. */
  openError: string | undefined;
  /** Effective capabilities of this process. */
  capabilities: bigint;
}

export async function gatherTun({ files, processes }: Ports): Promise<TunFacts> {
  const status = (await files.read('/proc/self/status')) ?? '';
  const exists = (await files.mode(DEVICE)) !== undefined;
  // Opening it tells what neither its mode nor a capability does: a driver that is not loaded, a container that forbids it.
  const opened = await processes.run('sh', ['-c', `: <>${DEVICE}`]);
  return {
    exists,
    openError: opened.exitCode === 0 ? undefined : (/([^:]+)$/.exec(opened.stderr.trim())?.[1] ?? '').trim(),
    capabilities: BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`),
  };
}

export function checkTun({ exists, openError, capabilities }: TunFacts): Finding[] {
  const report = about('tun');
  const device = !exists
    ? report('error', `there is no ${DEVICE}`, `modprobe tun || { mkdir -p /dev/net && mknod ${DEVICE} c 10 200; }`)
    : openError === undefined
      ? report('ok', `${DEVICE} can be opened`)
      : report('error', `${DEVICE} cannot be opened: ${openError}`, tunRemedy(openError));
  const right =
    (capabilities & CAP_NET_ADMIN) === 0n
      ? report('error', 'this process may not configure networks: it lacks CAP_NET_ADMIN', 'sudo peerage doctor')
      : report('ok', 'this process may configure networks (CAP_NET_ADMIN)');
  return [device, right];
}

function tunRemedy(openError: string): string {
  if (/permission denied/i.test(openError)) return 'sudo peerage doctor';
  // A device cgroup says so; containers have to be given the device.
  if (/not permitted/i.test(openError)) return `docker run --cap-add NET_ADMIN --device ${DEVICE} ...`;
  return 'modprobe tun';
}
