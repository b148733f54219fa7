/**
 * Bringing an interface up, in the steps of wg-quick(8). What fails half way is taken back completely.
 *
 * 1. PreUp lines
 * 2. the tunnel daemon, and with it the interface
 * 3. keys, port and peers, over the UAPI
 * 4. addresses, MTU, link up
 * 5. routes to what the peers may be reached for
 * 6. PostUp lines
 */
import { UserError } from '../errors.ts';
import type { ConfigFile } from './config-file.ts';
import { runHooks } from './hooks.ts';
import { deleteInterface } from './interface-down.ts';
import { chooseMtu } from './mtu.ts';
import type { Ports } from './ports.ts';
import { addAddress, addRoutes, refuseDefaultRoutes } from './routes.ts';
import { runStep, showStep } from './steps.ts';
import { changeTunnel, describeTunnel } from './tunnel.ts';
import { setConfigChange, type UnresolvedPolicy } from './tunnel-change.ts';

export interface UpOptions {
  unresolved: UnresolvedPolicy;
  /** Name of a crypto provider; the best one when absent. */
  crypto?: string;
}

export async function bringUp(ports: Ports, file: ConfigFile, options: UpOptions): Promise<void> {
  const { name } = file;
  expectRoot(ports, 'up');
  refuseDefaultRoutes(file.config, file.path);
  sayWhatIsNotDone(ports, file);
  if (await interfaceExists(ports, name))
    throw new UserError(`\`${name}' already exists`, { remedy: `Take it down first: peerage down ${name}` });
  const interruption = watchInterruption(ports);
  await runHooks(ports, name, file.config.interface.preUp);
  interruption.check();
  await startTunnel(ports, file, options);
  // From here on the interface is ours to delete; one that somebody else made meanwhile made the start fail.
  try {
    for (const step of [setConfig, setAddresses, setLink, setRoutes, runPostUp]) {
      interruption.check();
      await step(ports, file, options);
    }
    interruption.check();
  } catch (error) {
    await takeBack(ports, name);
    throw error;
  }
}

export function expectRoot(ports: Pick<Ports, 'processes'>, command: string): void {
  if (!ports.processes.isRoot)
    throw new UserError(`\`peerage ${command}\` must be run as root.`, { remedy: `sudo peerage ${command} ...` });
}

export async function interfaceExists(ports: Pick<Ports, 'processes'>, name: string): Promise<boolean> {
  return (await ports.processes.run('ip', ['link', 'show', 'dev', name])).exitCode === 0;
}

async function startTunnel(ports: Ports, { name }: ConfigFile, { crypto }: UpOptions): Promise<void> {
  showStep(ports, `peerage-tun ${name}`);
  await ports.services.startTunnel(name, crypto === undefined ? {} : { crypto });
}

async function setConfig(ports: Ports, { name, config }: ConfigFile, options: UpOptions): Promise<void> {
  showStep(ports, `wg setconf ${name} <(wg-quick strip ${name})`);
  await changeTunnel(ports, name, await setConfigChange(ports, config, options));
}

async function setAddresses(ports: Ports, { name, config }: ConfigFile): Promise<void> {
  // In the order of the file: the first is the source address of choice.
  for (const address of config.interface.addresses) await runStep(ports, addAddress(name, address));
}

async function setLink(ports: Ports, { name, config }: ConfigFile): Promise<void> {
  const mtu = config.interface.mtu ?? (await chooseMtu(ports, await describeTunnel(ports, name)));
  await runStep(ports, ['ip', 'link', 'set', 'mtu', String(mtu), 'up', 'dev', name]);
}

async function setRoutes(ports: Ports, { name, config }: ConfigFile): Promise<void> {
  // What the tunnel holds, not what the file says: a prefix that two peers claim belongs to the last of them.
  const { peers } = await describeTunnel(ports, name);
  await addRoutes(
    ports,
    name,
    config.interface.table,
    peers.flatMap((peer) => peer.allowedIps),
  );
}

async function runPostUp(ports: Ports, { name, config }: ConfigFile): Promise<void> {
  await runHooks(ports, name, config.interface.postUp);
}

function sayWhatIsNotDone(ports: Ports, { config, path }: ConfigFile): void {
  const { dns, saveConfig } = config.interface;
  if (dns.length > 0)
    ports.terminal.stderr(`Warning: ${path}: DNS is not set by \`peerage up\` yet; a PostUp line can do it.\n`);
  if (saveConfig)
    ports.terminal.stderr(
      `Warning: ${path}: SaveConfig is not heeded by \`peerage down\` yet; the file stays as it is.\n`,
    );
}

/** The first failure is the one to tell: what goes wrong while tidying up is only mentioned. */
async function takeBack(ports: Ports, name: string): Promise<void> {
  try {
    if (await interfaceExists(ports, name)) await deleteInterface(ports, name);
  } catch (error) {
    ports.terminal.stderr(`Warning: \`${name}' could not be taken back: ${String(error)}\n`);
  }
}

function watchInterruption(ports: Ports): { check(): void } {
  let interrupted = false;
  void ports.processes.interrupted().then(() => (interrupted = true));
  return {
    check() {
      if (interrupted) throw new UserError('interrupted; everything was taken back');
    },
  };
}
