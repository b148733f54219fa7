/** What differs between systemd and OpenRC when a service is installed: names, folders and command lines. */
import { UserError } from '../../errors.ts';
import type { Ports } from '../ports.ts';
import type { CommandLine } from '../steps.ts';
import { openrcScript } from './openrc-script.ts';
import type { Self, ServiceFile, ServiceKind } from './service-file.ts';
import { systemdUnit } from './systemd-unit.ts';

export interface InitSystem {
  /** Where files of an administrator are. */
  folder: string;
  createFile(kind: ServiceKind, self: Self): ServiceFile;
  /** The service of an interface, or of the registry when there is none. */
  serviceName(interfaceName?: string): string;
  /** What makes it read its files again. */
  reload: readonly CommandLine[];
  enable(service: string, options: { now: boolean }): CommandLine[];
  /** Stops it, too. */
  disable(service: string): CommandLine[];
  /** The services of interfaces that are enabled. */
  enabled(ports: Pick<Ports, 'files'>): Promise<string[]>;
  /** Stops those that run without being enabled, where there can be such. */
  stopOthers: readonly CommandLine[];
}

export const systemd: InitSystem = {
  folder: '/etc/systemd/system',
  createFile: systemdUnit,
  serviceName: (name) => (name === undefined ? 'peerage-registry.service' : `peerage@${name}.service`),
  reload: [['systemctl', 'daemon-reload']],
  enable: (service, { now }) => [['systemctl', 'enable', ...(now ? ['--now'] : []), service]],
  disable: (service) => [['systemctl', 'disable', '--now', service]],
  enabled: async ({ files }) => {
    const names = await files.list('/etc/systemd/system/multi-user.target.wants');
    return names.filter((name) => /^peerage@.+\.service$/.test(name));
  },
  // A pattern matches what is loaded, and nothing is no failure.
  stopOthers: [['systemctl', 'stop', 'peerage@*.service']],
};

export const openrc: InitSystem = {
  folder: '/etc/init.d',
  createFile: openrcScript,
  serviceName: (name) => (name === undefined ? 'peerage-registry' : `peerage.${name}`),
  reload: [],
  enable: (service, { now }) => [
    ...(isInstance(service) ? [['ln', '-sf', 'peerage', `/etc/init.d/${service}`] as const] : []),
    ['rc-update', 'add', service, 'default'],
    ...(now ? [['rc-service', service, 'start'] as const] : []),
  ],
  disable: (service) => [
    ['rc-service', '--ifstarted', service, 'stop'],
    ['rc-update', '--all', 'delete', service],
    ...(isInstance(service) ? [['rm', '-f', `/etc/init.d/${service}`] as const] : []),
  ],
  enabled: async ({ files }) => (await files.list('/etc/init.d')).filter(isInstance),
  stopOthers: [], // what runs has a link there
};

/** The one that runs this host. */
export async function findInitSystem(ports: Pick<Ports, 'files' | 'processes'>): Promise<InitSystem> {
  if ((await ports.files.mode('/run/systemd/system')) !== undefined) return systemd;
  if (await ports.processes.has('rc-update')) return openrc;
  throw new UserError('neither systemd nor OpenRC runs this host', {
    remedy: 'To write the files for another host, use --dir. To see them: peerage service print',
  });
}

function isInstance(service: string): boolean {
  return service.startsWith('peerage.');
}
