/**
 * Taking an interface down, in the steps of wg-quick(8).
 *
 * 1. PreDown lines
 * 2. the running state into the file, with SaveConfig
 * 3. rules of a default route
 * 4. the interface, its addresses and routes with it, and its daemon
 * 5. name servers, and the firewall of a default route
 * 6. PostDown lines
 */
import { UserError } from '../errors.ts';
import type { InterfaceFile } from './config-file.ts';
import { runHooks } from './hooks.ts';
import type { Ports } from './ports.ts';
import { removeDefaultRules, removeGuard, removeLeftoverRules } from './quick/default-route.ts';
import { readDns, unsetDns } from './quick/dns.ts';
import { runStep } from './steps.ts';

/** How long the daemon gets to notice that its interface is gone. */
const DAEMON_END_MS = 10_000;
const LOOK_AGAIN_MS = 20;

export async function bringDown(ports: Ports, file: InterfaceFile): Promise<void> {
  const { name, config } = file;
  await takeBackLeftovers(ports, file);
  await expectTunnel(ports, name);
  await runHooks(ports, file, config.interface.preDown);
  if (config.interface.saveConfig) await (await import('./quick/save.ts')).saveConfig(ports, file);
  await removeDefaultRules(ports, name, config.interface.table);
  await deleteInterface(ports, name);
  await unsetDns(ports, name, config.interface.dns);
  await removeGuard(ports, name);
  await runHooks(ports, file, config.interface.postDown);
}

/** Of an interface that went on its own: name servers that are asked for nothing, rules that lead nowhere, and a guard of addresses that are no more. */
async function takeBackLeftovers(ports: Ports, { name, config }: InterfaceFile): Promise<void> {
  if ((await ports.uapi.interfaces()).includes(name)) return;
  const { dns } = config.interface;
  if (dns.length > 0 && ((await readDns(ports, name)) ?? []).length > 0) await unsetDns(ports, name, dns);
  await removeLeftoverRules(ports, name);
  await removeGuard(ports, name);
}

export async function expectTunnel(ports: Pick<Ports, 'uapi'>, name: string): Promise<void> {
  if (!(await ports.uapi.interfaces()).includes(name))
    throw new UserError(`\`${name}' is not a WireGuard interface`, {
      remedy: 'Those that are: peerage show interfaces',
    });
}

/** Addresses, routes and the daemon go with the interface. Resolves when the daemon is gone, too. */
export async function deleteInterface(
  ports: Pick<Ports, 'processes' | 'terminal' | 'uapi' | 'services' | 'clock'>,
  name: string,
): Promise<void> {
  await runStep(ports, ['ip', 'link', 'delete', 'dev', name]);
  const deadline = ports.clock.monotonic() + DAEMON_END_MS;
  while ((await ports.uapi.interfaces()).includes(name)) {
    if (ports.clock.monotonic() > deadline)
      throw new UserError(`the tunnel daemon of "${name}" still runs although its interface is gone`, {
        remedy: `Look for it with: ps -C node -o pid,args`,
      });
    await ports.services.sleep(LOOK_AGAIN_MS);
  }
}
