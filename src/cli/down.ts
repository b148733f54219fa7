/** `peerage down`: takes back all that `up` did, as `wg-quick down`. */
import { stopAgent } from './agent-process.ts';
import { readInterfaceFile } from './config-file.ts';
import { closeFirewall } from './firewall/firewall.ts';
import { addExamples } from './help.ts';
import { bringDown } from './interface-down.ts';
import { expectRoot } from './interface-up.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';

export const addDown: AddCommand = (program, ports) => {
  const command = program
    .command('down')
    .description('take an interface down, and all that `up` did for it')
    .argument('<interface|file>', 'as for `up`')
    .action(async (nameOrPath: string) => {
      expectRoot(ports, 'down');
      await down(ports, nameOrPath);
    });
  addExamples(command, [['peerage down wg0', 'take down what `peerage up wg0` brought up']]);
};

export async function down(ports: Ports, nameOrPath: string): Promise<void> {
  const file = await readInterfaceFile(ports, nameOrPath);
  const wasUp = (await ports.uapi.interfaces()).includes(file.name);
  // Also when the interface went on its own: the agent and the firewall's rules did not go with it.
  await stopAgent(ports, file.name);
  await closeFirewall(ports, file.name);
  // `peerage service run` takes its interface down itself when it is told to end.
  if (wasUp && !(await ports.uapi.interfaces()).includes(file.name)) return;
  await bringDown(ports, file);
}
