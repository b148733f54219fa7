/**
 * Two hosts that are the same but for their wg-quick(8): Debian's with `peerage-tun` as its userspace implementation, and ours,
 * called through a link of that name. Both are told the same, and should say and do the same.
 */
import assert from 'node:assert/strict';
import type { Connection } from '../../interop/lab/lab.ts';
import type { Host } from '../../interop/lab/host.ts';
import { Lab } from '../../interop/lab/lab.ts';
import type { ProcessResult } from '../../interop/lab/process.ts';
import { SYSTEM_PATH } from '../../interop/lab/requirements.ts';
import { MAIN } from '../peerage.ts';

const FOLDER = '/run/ours';
const NODE_FOLDER = process.execPath.slice(0, process.execPath.lastIndexOf('/'));

const FALLBACK = /^\[#\] ip link add wg0 type wireguard\n.*\n\[!\] Missing WireGuard kernel module.*\n/m;

/** What each of the two came to. */
export interface Both {
  theirs: string;
  ours: string;
}

/** All that an interface leaves on a host. Addresses that the kernel made up for a TUN device differ each time. */
const STATE = `
ip -brief address show dev wg0; ip link show dev wg0 | grep -o ' mtu [0-9]*'
for family in -4 -6; do
  ip $family rule show
  ip $family route show table all
done
nft list ruleset
iptables-save | grep '^[-*]'; ip6tables-save | grep '^[-*]'
sysctl net.ipv4.conf.all.src_valid_mark
wg show wg0 fwmark; wg show wg0 allowed-ips
resolvconf -l
cat /etc/resolv.conf
ls -l /etc/wireguard | tr -s ' ' | cut -d ' ' -f 1,9
`;

export class BesideWgQuick implements AsyncDisposable {
  readonly theirs: Host;
  readonly ours: Host;
  readonly #lab: Lab;
  #path: string;

  private constructor(lab: Lab, theirs: Host, ours: Host) {
    this.#lab = lab;
    this.theirs = theirs;
    this.ours = ours;
    this.#path = SYSTEM_PATH;
  }

  static async open(connection: Connection): Promise<BesideWgQuick> {
    const lab = await Lab.open();
    const [theirs, ours] = [await lab.host('host'), await lab.host('host')];
    for (const host of [theirs, ours]) await lab.connect(host, await lab.switch(), connection);
    await ours.output('sh', ['-c', `mkdir ${FOLDER} && ln -s '${MAIN}' ${FOLDER}/wg-quick`]);
    return new BesideWgQuick(lab, theirs, ours);
  }

  /** From now on the hosts are without these programs. */
  async hide(...programs: string[]): Promise<void> {
    const tests = programs.map((program) => `! -name ${program}`).join(' ');
    // wg-quick puts its own folder, /usr/bin, before the PATH.
    const script = `mkdir -p /run/some && find /usr/sbin /sbin ${tests} ! -type d -exec ln -sf -t /run/some {} +`;
    await this.both((host) => host.output('sh', ['-c', script]));
    this.#path = '/run/some:/usr/bin';
  }

  async both(action: (host: Host) => Promise<string>): Promise<Both> {
    const [theirs, ours] = await Promise.all([action(this.theirs), action(this.ours)]);
    return { theirs, ours };
  }

  async write(path: string, text: string, mode = '600'): Promise<void> {
    await this.both((host) => host.output('sh', ['-c', 'cat >"$0"; chmod "$1" "$0"', path, mode], { input: text }));
  }

  /** Without Debian's words about the kernel, which it asks first. */
  async run(...args: string[]): Promise<{ theirs: ProcessResult; ours: ProcessResult }> {
    const [theirs, ours] = await Promise.all([
      this.call(this.theirs, '/usr/bin', args),
      this.call(this.ours, FOLDER, args),
    ]);
    return { theirs: { ...theirs, stderr: theirs.stderr.replace(FALLBACK, '') }, ours };
  }

  /** They say the same, end with the same exit code, and leave the same behind. Returns what ours said. */
  async same(...args: string[]): Promise<ProcessResult> {
    const { theirs, ours } = await this.run(...args);
    const command = `wg-quick ${args.join(' ')}`;
    assert.deepEqual(ours, theirs, command);
    await this.expectSameState(command);
    return ours;
  }

  async expectSameState(after: string): Promise<void> {
    const { theirs, ours } = await this.state();
    assert.equal(ours, theirs, `after ${after}`);
  }

  async state(): Promise<Both> {
    return this.both(async (host) => {
      // Debian's does not wait for the end of the daemon.
      await host.waitFor('the daemon has followed its interface', async () => {
        const hasLink = (await host.run('ip', ['link', 'show', 'dev', 'wg0'])).exitCode === 0;
        return hasLink === (await host.output('wg', ['show', 'interfaces'])).includes('wg0');
      });
      const { stdout } = await host.run('sh', ['-c', STATE], { env: this.#env('/usr/bin') });
      return stdout.replaceAll(/^.*(?:local|ip6 daddr|-d) fe80.*\n/gm, '').replaceAll(/ fe80::[\da-f:]+\/64 /g, ' ');
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#lab[Symbol.asyncDispose]();
  }

  /** In which `wg-quick` is the one of this host. */
  envOf(host: Host): Record<string, string> {
    return this.#env(host === this.ours ? FOLDER : '/usr/bin');
  }

  /** The wg-quick in this folder. */
  call(host: Host, folder: string, args: readonly string[]): Promise<ProcessResult> {
    return host.run(`${folder}/wg-quick`, args, { env: this.#env(folder) });
  }

  #env(folder: string): Record<string, string> {
    return {
      PATH: `${folder}:/run/bin:${NODE_FOLDER}:${this.#path}`,
      WG_QUICK_USERSPACE_IMPLEMENTATION: 'peerage-tun',
      WG_ENDPOINT_RESOLUTION_RETRIES: '1',
    };
  }
}
