/**
 * A real systemd-resolved on a host of the lab, started by hand together with the system bus that resolvectl(1) calls it over.
 * It is the installed one, or the one that .ci/systemd-resolved unpacks beside openresolv, which does not want to be installed
 * with it.
 */
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Host } from '../../interop/lab/host.ts';
import { isUnprivileged, labOptions } from '../../interop/lab/requirements.ts';

const UNPACKED = resolve(import.meta.dirname, '../../../.cache/systemd-resolved');
const ROOT = ['', UNPACKED].find((root) => existsSync(`${root}/lib/systemd/systemd-resolved`));
const RESOLVECTL = `${ROOT ?? ''}/usr/bin/resolvectl`;

const BUS_FILE = '/run/dbus/lab.conf';
/** Debian's own wants to become the user messagebus, which a user namespace does not have. */
const BUS = `<busconfig>
  <type>system</type>
  <listen>unix:path=/run/dbus/system_bus_socket</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">
    <allow user="*"/><allow own="*"/><allow send_destination="*"/><allow receive_sender="*"/>
  </policy>
</busconfig>
`;

/** Options for a test that needs it, like labOptions of the lab. */
export function resolvedOptions(...programs: string[]): { skip: string | false } {
  const { skip } = labOptions('dbus-daemon', ...programs);
  if (process.env['CI'] === 'true') return { skip };
  if (isUnprivileged) return { skip: skip || 'the question is not heard in a user namespace. Run as root' };
  if (ROOT !== undefined) return { skip };
  return { skip: skip || 'missing: systemd-resolved. Try: bash .ci/systemd-resolved' };
}

/** Resolves when it answers. Both daemons end with the host. `resolvectl` is in its PATH then, but no resolvconf. */
export async function startResolved(host: Host): Promise<void> {
  if (ROOT === undefined) throw new Error('no systemd-resolved here. Try: bash .ci/systemd-resolved');
  // It becomes this user, and there is no other than root in a user namespace.
  const user = "sed -i '/^systemd-resolve:/d' /etc/passwd; echo 'systemd-resolve:x:0:0::/:/bin/false' >>/etc/passwd";
  await host.output('sh', ['-c', `${user}; mkdir -p /run/dbus /run/systemd; cat >${BUS_FILE}`], { input: BUS });
  await link(host, 'resolvectl');
  const bus = await host.spawn('dbus-daemon', [`--config-file=${BUS_FILE}`, '--nofork', '--nopidfile']);
  const daemon = await host.spawn(`${ROOT}/lib/systemd/systemd-resolved`);
  const answers = async () => (await host.run('resolvectl', ['status'])).exitCode === 0;
  const says = () => `${bus.stderr}${daemon.stderr}`;
  await host.waitFor('systemd-resolved answers', async () => daemon.hasExited || (await answers()), { explain: says });
  if (daemon.hasExited) throw new Error(`systemd-resolved ended: ${says()}`);
}

/** Gives it the resolvconf(8) that Debian's package has: resolvectl under another name. */
export function addResolvconf(host: Host): Promise<string> {
  return link(host, 'resolvconf');
}

function link(host: Host, name: string): Promise<string> {
  return host.output('ln', ['-sf', RESOLVECTL, `/run/bin/${name}`]);
}
