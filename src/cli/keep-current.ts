/**
 * What stays beside an interface as long as it is up: the registry's agent where it has joined a network, else what resolves
 * host names again.
 */
import { UserError } from '../errors.ts';
import { expectNoOtherAgent, writeAgentStatus } from './agent-process.ts';
import type { ConfigFile } from './config-file.ts';
import { membershipPath } from './membership-path.ts';
import { hasNamedEndpoint, NamedEndpoints } from './named-endpoints.ts';
import type { Ports } from './ports.ts';
import { describeTunnel } from './tunnel.ts';

/** How often the tunnel is looked at: a local question that nobody else hears of. */
const LOOK_MS = 3000;

type Subject = Pick<ConfigFile, 'name' | 'path'>;

/** Whether something has to stay beside the interface at all. */
export async function needsKeeping(ports: Pick<Ports, 'files'>, { name, config }: ConfigFile): Promise<boolean> {
  return config.peers.some(hasNamedEndpoint) || (await hasJoined(ports, name));
}

/** Whether the interface belongs to a registry. */
export async function hasJoined(ports: Pick<Ports, 'files'>, name: string): Promise<boolean> {
  return (await ports.files.mode(membershipPath(name))) !== undefined;
}

/** Resolves when a signal comes or the interface is gone. Throws a UserError when the registry refuses this host. */
export async function keepCurrent(ports: Ports, file: Subject): Promise<void> {
  if (await hasJoined(ports, file.name)) {
    const { runAgent } = await import('./run-agent.ts');
    return runAgent(ports, file.name);
  }
  await expectNoOtherAgent(ports, file.name);
  await writeAgentStatus(ports, file.name, { pid: ports.processes.pid, state: 'current' });
  return keepNames(ports, file);
}

/** Resolves host names again, until a signal comes or the interface is gone. */
export async function keepNames(ports: Ports, file: Subject): Promise<void> {
  const { name } = file;
  const stop = new AbortController();
  void ports.processes.interrupted().then(() => stop.abort());
  const names = new NamedEndpoints(ports, file);
  while (!stop.signal.aborted && (await ports.uapi.interfaces()).includes(name)) {
    try {
      for (const change of await names.look(await describeTunnel(ports, name)))
        ports.terminal.stderr(`${name}: ${change}\n`);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      ports.terminal.stderr(`${name}: ${error.message}\n`);
    }
    await ports.services.sleep(LOOK_MS, stop.signal);
  }
}
