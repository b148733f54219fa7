/**
 * What the lab needs of the machine, and how to get it where it is missing.
 */
import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync } from 'node:fs';

/** Where Debian keeps programs; root's PATH on a fresh machine may lack the sbin folders. */
export const SYSTEM_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The lab itself runs these. */
const LAB_PROGRAMS = ['unshare', 'nsenter', 'ip', 'sysctl'];

const DEBIAN_PACKAGES: Readonly<Record<string, string>> = {
  unshare: 'util-linux',
  nsenter: 'util-linux',
  ip: 'iproute2',
  ss: 'iproute2',
  tc: 'iproute2',
  sysctl: 'procps',
  nft: 'nftables',
  wg: 'wireguard-tools',
  'wg-quick': 'wireguard-tools',
  'wireguard-go': 'wireguard-go',
  ping: 'iputils-ping',
  curl: 'curl',
  tcpdump: 'tcpdump',
  tshark: 'tshark',
  'redis-server': 'redis-server',
  'redis-cli': 'redis-tools',
  'systemd-analyze': 'systemd',
  script: 'bsdutils',
};

/** Whether namespaces are made inside a user namespace, because this process is not root. */
export const isUnprivileged = process.getuid?.() !== 0;

/** Options of unshare(1) for the outermost namespaces. */
export const USER_NAMESPACE = isUnprivileged ? ['--user', '--map-root-user'] : [];

/** Why no lab with these programs inside can be made here, with what to do about it; undefined when it can. */
export function whyNoLab(programs: readonly string[] = []): string | undefined {
  if (process.platform !== 'linux') return `network namespaces need Linux, this is ${process.platform}`;
  return whyMissing([...LAB_PROGRAMS, ...programs]) ?? whyNoTun() ?? whyNoNamespaces();
}

/**
 * Options for a test that runs in the lab: skipped with the reason where there can be none. With CI=true nothing is
 * skipped, so that the test fails with that reason instead of hiding it.
 */
export function labOptions(...programs: string[]): { skip: string | false } {
  return { skip: process.env['CI'] === 'true' ? false : (whyNoLab(programs) ?? false) };
}

/** The same for a test that needs these programs, but no lab. */
export function programOptions(...programs: string[]): { skip: string | false } {
  const reason = whyMissing(programs);
  return { skip: process.env['CI'] === 'true' ? false : (reason ?? false) };
}

function whyMissing(programs: readonly string[]): string | undefined {
  const missing = programs.filter((program) => !isInstalled(program));
  if (missing.length === 0) return undefined;
  const packages = new Set(missing.map((program) => DEBIAN_PACKAGES[program] ?? program));
  return `missing: ${missing.join(', ')}. Try: apt-get install ${[...packages].join(' ')}`;
}

function isInstalled(program: string): boolean {
  return SYSTEM_PATH.split(':').some((folder) => existsSync(`${folder}/${program}`));
}

function whyNoTun(): string | undefined {
  try {
    accessSync('/dev/net/tun', constants.R_OK | constants.W_OK);
    return undefined;
  } catch {
    return '/dev/net/tun cannot be opened. Run as root, with the tun module loaded (modprobe tun)';
  }
}

function whyNoNamespaces(): string | undefined {
  const args = [...USER_NAMESPACE, '--net', '--mount', '--uts', '--pid', '--fork', '--mount-proc', 'true'];
  const tried = spawnSync('unshare', args, { encoding: 'utf8' });
  if (tried.status === 0) return undefined;
  const advice = isUnprivileged
    ? 'Run as root, or allow unprivileged user namespaces'
    : 'Is this a container without privileges?';
  return `namespaces cannot be made here (${tried.stderr.trim()}). ${advice}`;
}
