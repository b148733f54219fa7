/**
 * `service run`: the process of a unit. It brings the interface up, tells systemd, stays beside it, and takes it down when it is
 * told to end. An interface that goes on its own is a failure, for systemd to mend.
 */
import { UserError } from '../../errors.ts';
import { readConfigFile, type ConfigFile } from '../config-file.ts';
import { bringDown } from '../interface-down.ts';
import { closeFirewall } from '../firewall/firewall.ts';
import { keepCurrent, keepNames } from '../keep-current.ts';
import type { Ports } from '../ports.ts';
import { startInterface, type StartOptions } from '../start-interface.ts';
import { notifyReady } from './notify.ts';

export async function runService(given: Ports, name: string, options: StartOptions): Promise<void> {
  const ports = withOneInterruption(given);
  const file = await readConfigFile(ports, name);
  // A name server that is not there yet must not keep the other peers waiting: names are resolved again.
  await startInterface(ports, file, { ...options, unresolved: 'warn' }, () => notifyReady(ports));
  await stayBeside(ports, file);
  await closeFirewall(ports, name);
  if (!(await ports.uapi.interfaces()).includes(name))
    throw new UserError(`the interface ${name} went without being asked to`, {
      remedy: `To take it down: systemctl stop peerage@${name}`,
    });
  await bringDown(ports, file);
}

/** A registry that refuses this host is no reason to take its tunnel down. */
async function stayBeside(ports: Ports, file: ConfigFile): Promise<void> {
  try {
    await keepCurrent(ports, file);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    ports.terminal.stderr(`${file.name}: ${error.message}\n`);
    await keepNames(ports, file);
  }
}

/** A signal counts for the whole run, also when it comes between two parts that each wait for one. */
function withOneInterruption(ports: Ports): Ports {
  const interruption = ports.processes.interrupted();
  return { ...ports, processes: { ...ports.processes, interrupted: () => interruption } };
}
