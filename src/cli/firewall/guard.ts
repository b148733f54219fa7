/** What `up` and `join` do about the firewall: say what is missing, or mend it when they were asked to. */
import type { ConfigFile } from '../config-file.ts';
import type { Ports } from '../ports.ts';
import { describeOpenings, findOpenings, openFirewall } from './firewall.ts';

export async function guardFirewall(
  ports: Ports,
  { name, config }: ConfigFile,
  options: { openFirewall?: true },
): Promise<void> {
  // Without a port of its own a host only ever speaks first, and answers are let in by what keeps track of them.
  const listenPort = config.interface.listenPort || undefined;
  const openings = await findOpenings(ports, { interfaceName: name, listenPort });
  if (options.openFirewall === true) await openFirewall(ports, name, openings);
  else ports.terminal.stderr(describeOpenings(openings));
}
