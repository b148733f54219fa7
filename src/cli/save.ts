/** `peerage save`: writes what a running interface is like now into its file, as `wg-quick save`. */
import { readInterfaceFile } from './config-file.ts';
import { addExamples } from './help.ts';
import { expectTunnel } from './interface-down.ts';
import { expectRoot } from './interface-up.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';
import { saveConfig } from './quick/save.ts';

export const addSave: AddCommand = (program, ports) => {
  const command = program
    .command('save')
    .description('write what a running interface is like now into its file')
    .argument('<interface|file>', 'as for `up`')
    .action(async (nameOrPath: string) => {
      expectRoot(ports, 'save');
      await save(ports, nameOrPath);
    });
  addExamples(command, [['peerage save wg0', 'keep the peers that were added with `peerage set`']]);
};

export async function save(ports: Ports, nameOrPath: string): Promise<void> {
  const file = await readInterfaceFile(ports, nameOrPath);
  await expectTunnel(ports, file.name);
  await saveConfig(ports, file);
}
