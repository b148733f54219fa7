/** `peerage service`: interfaces and the registry as services of systemd or OpenRC. What a unit runs is in here, too. */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';
import type { ServiceOptions } from './service/install.ts';

export const addService: AddCommand = (program, ports) => {
  const service = program.command('service').description('run interfaces and the registry as services of this host');
  const install = service
    .command('install')
    .description('write the services, for systemd or OpenRC, whichever runs this host')
    .argument('[interface...]', 'interfaces to start at boot')
    .option('--registry', 'the registry, too')
    .option('--enable', 'start them now and at every boot')
    .option('--openrc', 'for OpenRC')
    .option('--dir <folder>', 'write them into this folder, and nothing else')
    .action(async (interfaces: string[], options: ServiceOptions & { enable?: true }) =>
      (await import('./service/install.ts')).install(ports, interfaces, options),
    );
  const uninstall = service
    .command('uninstall')
    .description('stop the services of all interfaces, and take them away')
    .option('--registry', 'that of the registry instead; its database stays')
    .option('--openrc', 'for OpenRC')
    .option('--dir <folder>', 'take them out of this folder, and nothing else')
    .action(async (options: ServiceOptions) => (await import('./service/install.ts')).uninstall(ports, options));
  const print = service
    .command('print')
    .description('show the service that would be written')
    .option('--registry', 'that of the registry')
    .option('--openrc', 'for OpenRC')
    .action(async ({ registry, openrc: isOpenrc }: ServiceOptions) => {
      const { openrc, systemd } = await import('./service/init-system.ts');
      const kind = registry === true ? 'registry' : 'interface';
      ports.terminal.stdout((isOpenrc === true ? openrc : systemd).createFile(kind, ports.processes.self).text);
    });
  const run = service
    .command('run')
    .description('bring an interface up and stay beside it (systemd runs this)')
    .argument('<interface>')
    .option('--open-firewall', 'add the firewall rules that are missing, until the service stops')
    .option('--crypto <provider>', 'use this one instead of the fastest')
    .action(async (name: string, options: { openFirewall?: true; crypto?: string }) =>
      (await import('./service/run.ts')).runService(ports, name, options),
    );
  const reload = service
    .command('reload')
    .description('heed a changed configuration without disturbing the peers that stay')
    .argument('<interface>')
    .action(async (name: string) => (await import('./service/reload.ts')).reloadInterface(ports, name));
  addExamples(service, [['peerage service install wg0 --enable', 'bring wg0 up now and at every boot']]);
  addExamples(install, [
    ['peerage service install wg0 --enable', 'bring wg0 up now and at every boot'],
    ['peerage service install --registry --enable', 'serve the registry now and at every boot'],
    ['peerage service install --openrc --registry --dir ./init.d', 'write the files for another host'],
  ]);
  addExamples(uninstall, [['peerage service uninstall', 'leave interfaces to be brought up by hand']]);
  addExamples(print, [['peerage service print --registry', 'see what systemd would be told']]);
  addExamples(run, [['peerage service run wg0', 'what the unit does, in this terminal']]);
  addExamples(reload, [['peerage service reload wg0', 'heed a changed /etc/wireguard/wg0.conf']]);
};
