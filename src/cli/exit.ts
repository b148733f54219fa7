/** `peerage exit`: chooses the host that this one's default route goes through. */
import { exitState } from '../agent/held-exit.ts';
import { UserError } from '../errors.ts';
import { HostName } from '../registry/wire.ts';
import { findAgent, lineToStart } from './agent-process.ts';
import { changeSelf, expectMembership } from './change-self.ts';
import type { AddCommand } from './command.ts';
import { describeExit, readExit, writeExit } from './exit-choice.ts';
import { addExamples } from './help.ts';
import { expectRoot } from './interface-up.ts';
import { readMembership, type Membership } from './membership.ts';
import type { Ports } from './ports.ts';

/** How long the agent gets to heed a choice: it looks every few seconds. */
const PATIENCE_MS = 10_000;
const LOOK_AGAIN_MS = 100;

interface ExitOptions {
  json?: true;
}

export const addExit: AddCommand = (program, ports) => {
  const command = program
    .command('exit')
    .description('send what is for the rest of the world through another host, or through none')
    .argument('[host]', 'an exit of the network; none: the way it was (says what is chosen, unless given)')
    .argument('[interface]', 'as given to `join`', 'wg0')
    .option('--json', 'for machines: "interface", "exit" (null for none) and "state"')
    .action((host: string | undefined, name: string, options: ExitOptions) => exit(host, name, options, ports));
  addExamples(command, [
    ['peerage exit', 'which one is chosen, and whether it is there'],
    ['peerage exit berlin', 'all traffic goes through berlin; when berlin is gone, it is dropped'],
    ['peerage exit none', 'and no longer'],
  ]);
};

async function exit(host: string | undefined, name: string, { json }: ExitOptions, ports: Ports): Promise<void> {
  expectRoot(ports, 'exit');
  if (host !== undefined && !HostName.safeParse(host).success)
    throw new UserError(`"${host}" cannot be the name of a host`, { exitCode: 2 });
  const membership = await expectMembership(ports, name);
  if (host === 'none') await giveUp(name, membership, ports);
  else if (host !== undefined) await choose(host, name, membership, ports);
  if (host !== undefined && (await findAgent(ports, name)) === undefined)
    ports.terminal.stderr(
      `Warning: the agent of ${name} does not run, and nothing changes before it does: ${lineToStart(name, membership.registry)}\n`,
    );
  const chosen = await readExit(ports, name);
  const state = exitState((await expectMembership(ports, name)).peers, chosen);
  if (json === true)
    ports.terminal.stdout(`${JSON.stringify({ interface: name, exit: chosen ?? null, state }, null, 2)}\n`);
  else if (host === undefined) ports.terminal.stdout(`${describeExit(chosen, state)}\n`);
}

async function choose(exit: string, name: string, membership: Membership, ports: Ports): Promise<void> {
  // The registry first: an agent that knows of the choice, and of no such exit, drops what is for it, and this request with it.
  try {
    await changeSelf(ports, membership, { exit }, `make "${exit}" the exit of this host`);
  } catch (error) {
    if (!(error instanceof UserError) || exitState(membership.peers, await readExit(ports, name)) !== 'gone')
      throw error;
    throw new UserError(error.message, {
      remedy:
        error.remedy ??
        `The present exit is gone, and what is for the rest of the world is dropped. If the registry is out there: peerage exit none ${name}, then again.`,
      cause: error,
    });
  }
  await writeExit(ports, name, exit);
  const isHeeded = await untilHeeded(name, (peers) => exitState(peers, exit) === 'in use', ports);
  const when = isHeeded ? '' : ', as soon as its agent has heard of it; until then it goes its own way';
  ports.terminal.stderr(`The default route of this host goes through "${exit}"${when}.\n`);
}

async function giveUp(name: string, membership: Membership, ports: Ports): Promise<void> {
  const { terminal } = ports;
  // Here first, and until the agent has heeded it: whoever is cut off by a broken exit does not reach the registry before.
  await writeExit(ports, name, undefined);
  const isDefaultRoute = (prefix: string): boolean => prefix.endsWith('/0');
  await untilHeeded(name, (peers) => !peers.some(({ allowedIps }) => allowedIps.some(isDefaultRoute)), ports);
  try {
    await changeSelf(ports, membership, { exit: null }, 'give up the exit of this host');
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    terminal.stderr(`Warning: ${error.message}; this host uses no exit all the same.\n`);
  }
  terminal.stderr('The default route of this host goes its own way again.\n');
}

/** Whether the agent has followed a choice within its time: what it does is in the host's own list of peers. */
async function untilHeeded(
  name: string,
  isHeeded: (peers: Membership['peers']) => boolean,
  ports: Ports,
): Promise<boolean> {
  const { clock, services } = ports;
  const deadline = clock.monotonic() + PATIENCE_MS;
  while (clock.monotonic() < deadline && (await findAgent(ports, name)) !== undefined) {
    if (isHeeded((await readMembership(ports, name))?.peers ?? [])) return true;
    await services.sleep(LOOK_AGAIN_MS);
  }
  return false;
}
