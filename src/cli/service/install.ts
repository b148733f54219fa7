/** Puts services into the init system's folder, enables them, and takes them away again. */
import { UserError } from '../../errors.ts';
import { configPath, expectInterfaceName } from '../config-file.ts';
import { expectRoot } from '../interface-up.ts';
import type { Ports } from '../ports.ts';
import { runStep, type CommandLine } from '../steps.ts';
import { findInitSystem, openrc, systemd, type InitSystem } from './init-system.ts';
import type { ServiceKind } from './service-file.ts';

export interface ServiceOptions {
  registry?: true;
  openrc?: true;
  /** Write there, and tell no init system of it: for packages and images. */
  dir?: string;
}

/** What systemd and OpenRC take as it is for the name of an instance. */
const INSTANCE_NAME = /^[\w.-]+$/;

export async function install(
  ports: Ports,
  interfaces: readonly string[],
  options: ServiceOptions & { enable?: true },
): Promise<void> {
  const init = await chooseInitSystem(ports, options);
  const isLive = options.dir === undefined;
  if (isLive) {
    expectRoot(ports, 'service install');
    for (const name of interfaces) await expectConfigured(ports, name);
  }
  const kinds: readonly ServiceKind[] =
    options.registry === true
      ? ['registry', ...(interfaces.length > 0 ? (['interface'] as const) : [])]
      : ['interface'];
  for (const kind of kinds) await writeService(ports, init, kind, options);
  if (!isLive) return;
  for (const command of init.reload) await runStep(ports, command);
  const commands = await enableCommands(ports, init, interfaces, options);
  if (options.enable === true) for (const command of commands) await runStep(ports, command);
  else if (commands.length > 0)
    ports.terminal.stderr(`Next:\n${commands.map((command) => `  ${command.join(' ')}\n`).join('')}`);
}

/** Stops and disables all services of a kind, and takes their file away. */
export async function uninstall(ports: Ports, options: ServiceOptions): Promise<void> {
  const init = await chooseInitSystem(ports, options);
  const isLive = options.dir === undefined;
  if (isLive) {
    expectRoot(ports, 'service uninstall');
    const services = options.registry === true ? [init.serviceName()] : await init.enabled(ports);
    for (const service of services) for (const command of init.disable(service)) await runStep(ports, command);
    if (options.registry !== true) for (const command of init.stopOthers) await runStep(ports, command);
  }
  const { name } = init.createFile(options.registry === true ? 'registry' : 'interface', ports.processes.self);
  const path = `${options.dir ?? init.folder}/${name}`;
  await ports.files.remove(path);
  ports.terminal.stderr(`Removed ${path}\n`);
  if (isLive) for (const command of init.reload) await runStep(ports, command);
}

async function chooseInitSystem(ports: Ports, { openrc: isOpenrc, dir }: ServiceOptions): Promise<InitSystem> {
  if (isOpenrc === true) return openrc;
  return dir === undefined ? findInitSystem(ports) : systemd;
}

async function writeService(ports: Ports, init: InitSystem, kind: ServiceKind, { dir }: ServiceOptions): Promise<void> {
  const { self } = ports.processes;
  const { name, text, mode } = init.createFile(kind, self);
  const path = `${dir ?? init.folder}/${name}`;
  await ports.files.write(path, text, { mode });
  ports.terminal.stderr(`Wrote ${path}\n`);
  const inHome = self.find((word) => /^\/(?:home|root)\//.test(word));
  if (kind === 'registry' && inHome !== undefined)
    ports.terminal.stderr(
      `Warning: the registry runs as a user of its own, which may not be allowed to read ${inHome}.\n` +
        '  Put the program where everybody can read it, for example below /opt, and install the service from there.\n',
    );
}

/** An interface that is up is not started again: it would be taken for another's. */
async function enableCommands(
  ports: Ports,
  init: InitSystem,
  interfaces: readonly string[],
  { registry }: ServiceOptions,
): Promise<CommandLine[]> {
  const running = await ports.uapi.interfaces();
  for (const name of interfaces.filter((name) => running.includes(name)))
    ports.terminal.stderr(
      `Note: ${name} is up already; its service takes over at the next boot, or after: peerage down ${name}\n`,
    );
  return [
    ...interfaces.flatMap((name) => init.enable(init.serviceName(name), { now: !running.includes(name) })),
    ...(registry === true ? init.enable(init.serviceName(), { now: true }) : []),
  ];
}

async function expectConfigured(ports: Ports, name: string): Promise<void> {
  expectInterfaceName(name);
  if (!INSTANCE_NAME.test(name))
    throw new UserError(`"${name}" cannot be part of a service's name`, {
      remedy: 'Name the interface with letters, digits, "_", "." and "-" only.',
      exitCode: 2,
    });
  if ((await ports.files.mode(configPath(name))) === undefined)
    throw new UserError(`${configPath(name)} does not exist`, {
      remedy: 'Write it, or enrol this host: peerage join HOST/TOKEN',
    });
}
