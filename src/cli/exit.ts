/** `peerage exit`: chooses the host that this one's default route goes through. */
import { UserError } from '../errors.ts';
import { HostName } from '../registry/wire.ts';
import { findAgent } from './agent-process.ts';
import { changeSelf, expectMembership } from './change-self.ts';
import type { AddCommand } from './command.ts';
import { readExit, writeExit } from './exit-choice.ts';
import { addExamples } from './help.ts';
import { expectRoot } from './interface-up.ts';
import type { Ports } from './ports.ts';

export const addExit: AddCommand = (program, ports) => {
  const command = program
    .command('exit')
    .description('send what is for the rest of the world through another host, or through none')
    .argument('<host>', 'an exit of the network; none: the way it was')
    .argument('[interface]', 'as given to `join`', 'wg0')
    .action((host: string, name: string) => choose(host, name, ports));
  addExamples(command, [
    ['peerage exit berlin', 'all traffic goes through berlin'],
    ['peerage exit none', 'and no longer'],
  ]);
};

async function choose(host: string, name: string, ports: Ports): Promise<void> {
  expectRoot(ports, 'exit');
  const exit = host === 'none' ? undefined : host;
  if (exit !== undefined && !HostName.safeParse(exit).success)
    throw new UserError(`"${exit}" cannot be the name of a host`, { exitCode: 2 });
  const membership = await expectMembership(ports, name);
  const { terminal } = ports;
  const before = await readExit(ports, name);
  // First here: when the agent hears of it from the registry, it knows that it is wanted.
  await writeExit(ports, name, exit);
  try {
    await changeSelf(ports, membership, { exit: exit ?? null }, `make "${host}" the exit of this host`);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    if (exit !== undefined) {
      await writeExit(ports, name, before);
      throw error;
    }
    // Whoever is cut off by a broken exit does not reach the registry either.
    terminal.stderr(`Warning: ${error.message}; this host uses no exit all the same.\n`);
  }
  const what = exit === undefined ? 'goes its own way again' : `goes through "${exit}"`;
  terminal.stderr(`The default route of this host ${what}, in a few seconds.\n`);
  if ((await findAgent(ports, name)) === undefined)
    terminal.stderr(
      `Warning: the agent of ${name} does not run, and nothing changes before it does: peerage up ${name}\n`,
    );
}
