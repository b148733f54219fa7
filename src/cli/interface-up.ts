/**
 * Bringing an interface up, in the steps of wg-quick(8). What fails half way is taken back completely.
 *
 * 1. PreUp lines
 * 2. the tunnel daemon, and with it the interface
 * 3. keys, port and peers, over the UAPI
 * 4. addresses, MTU, link up
 * 5. name servers
 * 6. routes to what the peers may be reached for; a default route with its rules and its firewall
 * 7. PostUp lines
 */
import { equalBytes } from '../bytes.ts';
import { UserError } from '../errors.ts';
import { formatCidr, maskCidr } from '../ip.ts';
import { EADDRINUSE } from '../uapi/errno.ts';
import { writtenAddresses, type ConfigFile, type InterfaceFile } from './config-file.ts';
import { runHooks } from './hooks.ts';
import { deleteInterface } from './interface-down.ts';
import { chooseMtu } from './mtu.ts';
import type { Ports } from './ports.ts';
import { removeDefaultRules, removeGuard } from './quick/default-route.ts';
import { setDns, unsetDns } from './quick/dns.ts';
import { addAddresses, addRoutes } from './routes.ts';
import { runStep, showStep, StepError } from './steps.ts';
import { changeTunnel, describeTunnel } from './tunnel.ts';
import { setConfigChange, type UnresolvedPolicy } from './tunnel-change.ts';
import { WgError } from './wg/wg-error.ts';

export interface UpOptions {
  unresolved: UnresolvedPolicy;
  /** Name of a crypto provider; the best one when absent. */
  crypto?: string;
}

interface Phase {
  run(ports: Ports, file: ConfigFile, options: UpOptions): Promise<void>;
  /** For what does not go with the interface. */
  undo?: readonly ((ports: Ports, file: InterfaceFile) => Promise<void>)[];
}

const PHASES: readonly Phase[] = [
  { run: setConfig },
  { run: setAddresses },
  { run: setLink },
  { run: setNameServers, undo: [unsetNameServers] },
  { run: setRoutes, undo: [unsetGuard, unsetRules] },
  { run: runPostUp },
];

export async function bringUp(ports: Ports, file: ConfigFile, options: UpOptions): Promise<void> {
  const { name } = file;
  expectRoot(ports, 'up');
  if (await interfaceExists(ports, name))
    throw new UserError(`\`${name}' already exists`, { remedy: `Take it down first: peerage down ${name}` });
  const interruption = watchInterruption(ports);
  await runHooks(ports, file, file.config.interface.preUp);
  interruption.check();
  await startTunnel(ports, file, options);
  // From here on the interface is ours to delete; one that somebody else made meanwhile made the start fail.
  const begun: Phase[] = [];
  try {
    for (const phase of PHASES) {
      interruption.check();
      begun.push(phase);
      await phase.run(interruption.ports, file, options);
    }
    interruption.check();
  } catch (error) {
    await takeBack(ports, file, begun);
    throw error;
  }
}

/**
 * Takes back what `bringUp` did, but for hooks, in the order of wg-quick(8). Each part is tried, whatever becomes of the others:
 * the first failure is the one to tell, what goes wrong while tidying up is only mentioned.
 */
export async function takeBack(ports: Ports, file: InterfaceFile, phases: readonly Phase[] = PHASES): Promise<void> {
  for (const undo of [...phases.flatMap((phase) => phase.undo ?? []), removeInterface]) {
    try {
      await undo(ports, file);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      ports.terminal.stderr(`Warning: \`${file.name}' was not taken back completely: ${error.message}\n`);
    }
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
  showStep(ports, `wg setconf ${name} /dev/fd/63`);
  for (const prefix of config.peers.flatMap((peer) => peer.allowedIps))
    if (!equalBytes(prefix.bytes, maskCidr(prefix).bytes))
      ports.terminal.stderr(`Warning: AllowedIP has nonzero host part: ${formatCidr(prefix)}\n`);
  try {
    await changeTunnel(ports, name, await setConfigChange(ports, config, options));
  } catch (error) {
    if (!(error instanceof WgError)) throw error;
    ports.terminal.stderr(`${error.wgMessage}\nConfiguration parsing error\n`);
    throw new StepError(error.message, 1, {
      remedy: 'Check the Endpoint in the file, and the name servers of this host.',
    });
  }
}

async function setAddresses(ports: Ports, file: ConfigFile): Promise<void> {
  await addAddresses(ports, file.name, writtenAddresses(file));
}

async function setLink(ports: Ports, { name, config }: ConfigFile): Promise<void> {
  const mtu = config.interface.mtu ?? (await chooseMtu(ports, await describeTunnel(ports, name)));
  await runStep(ports, ['ip', 'link', 'set', 'mtu', String(mtu), 'up', 'dev', name]);
  // The kernel refuses to bring an interface up whose port is taken; a program finds out when its interface is up already.
  const { listenPort } = await describeTunnel(ports, name);
  if (listenPort === 0) throw portTaken(config.interface.listenPort);
}

function portTaken(port: number | undefined): UserError {
  if (port === undefined || port === 0) return new UserError('no UDP port is free');
  return new UserError(`UDP port ${port} is in use`, {
    remedy: `See by what: ss -lunp 'sport = :${port}'; then choose another ListenPort.`,
    errno: EADDRINUSE,
  });
}

async function setNameServers(ports: Ports, { name, config }: ConfigFile): Promise<void> {
  await setDns(ports, name, config.interface.dns);
}

async function unsetNameServers(ports: Ports, { name, config }: InterfaceFile): Promise<void> {
  await unsetDns(ports, name, config.interface.dns);
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

async function unsetGuard(ports: Ports, { name }: InterfaceFile): Promise<void> {
  await removeGuard(ports, name);
}

async function unsetRules(ports: Ports, { name, config }: InterfaceFile): Promise<void> {
  await removeDefaultRules(ports, name, config.interface.table);
}

async function runPostUp(ports: Ports, file: ConfigFile): Promise<void> {
  await runHooks(ports, file, file.config.interface.postUp);
}

async function removeInterface(ports: Ports, { name }: InterfaceFile): Promise<void> {
  if (await interfaceExists(ports, name)) await deleteInterface(ports, name);
}

/** `ports`: with pauses that end, and throw, as soon as the signal comes. */
function watchInterruption(ports: Ports): { check(): void; ports: Ports } {
  const interruption = new AbortController();
  void ports.processes.interrupted().then(() => interruption.abort());
  const check = (): void => {
    if (interruption.signal.aborted) throw new UserError('interrupted; everything was taken back');
  };
  const sleep = async (ms: number): Promise<void> => {
    await ports.services.sleep(ms, interruption.signal);
    check();
  };
  return { check, ports: { ...ports, services: { ...ports.services, sleep } } };
}
