/** Leaving, in the order in which a failure does the least harm: the registry, the agent, the interface, the files. */
import { createLeave, readLeave } from '../agent/enrol.ts';
import { UserError } from '../errors.ts';
import { stopAgent } from './agent-process.ts';
import { expectInterfaceName, configPath, readRemains } from './config-file.ts';
import { writeExit } from './exit-choice.ts';
import { closeFirewall } from './firewall/firewall.ts';
import { bringDown } from './interface-down.ts';
import { expectRoot, takeBack } from './interface-up.ts';
import { readMembership, removeMembership, type Membership } from './membership.ts';
import type { Ports } from './ports.ts';
import { callRegistry } from './registry-call.ts';
import { rotationPath } from './key-rotation.ts';

export async function leaveNetwork(ports: Ports, name: string, options: { force?: true }): Promise<void> {
  expectRoot(ports, 'leave');
  expectInterfaceName(name);
  const membership = await readMembership(ports, name);
  if (membership === undefined)
    throw new UserError(`"${name}" has not joined a network`, { remedy: 'Those that have: peerage status' });
  await tellRegistry(ports, membership, options);
  await stopAgent(ports, name);
  await closeFirewall(ports, name);
  if ((await ports.uapi.interfaces()).includes(name)) await takeDown(ports, name);
  await ports.files.remove(configPath(name));
  await ports.files.remove(rotationPath(name));
  await writeExit(ports, name, undefined);
  await removeMembership(ports, name);
  ports.terminal.stderr(`"${membership.host}" has left the network "${membership.network}".\n`);
}

/** The registry has let this host go: neither a damaged file nor a line of it that fails may keep it half in. */
async function takeDown(ports: Ports, name: string): Promise<void> {
  const file = await readRemains(ports, name);
  // The file goes as well.
  const { interface: own } = file.config;
  const unsaved = { ...file, config: { interface: { ...own, saveConfig: false } } };
  try {
    await bringDown(ports, unsaved);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    ports.terminal.stderr(`Warning: ${error.message}\n`);
    await takeBack(ports, unsaved);
  }
}

async function tellRegistry(ports: Ports, membership: Membership, options: { force?: true }): Promise<void> {
  try {
    const answer = await callRegistry(ports, membership.registry, createLeave(membership.hostKey));
    if (!readLeave(answer)) ports.terminal.stderr('The registry did not know this host any more.\n');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (options.force !== true)
      throw new UserError(error.message, {
        remedy: 'Nothing was changed. Try again later; or with --force, and have the host removed at the registry.',
        cause: error,
      });
    ports.terminal.stderr(`Warning: ${error.message}; have "${membership.host}" removed there.\n`);
  }
}
