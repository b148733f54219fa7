/** All of `up` but what stays beside the interface: the interface itself, and the firewall's leave for it. */
import type { ConfigFile } from './config-file.ts';
import { closeFirewall } from './firewall/firewall.ts';
import { guardFirewall } from './firewall/guard.ts';
import { bringUp, takeBack, type UpOptions } from './interface-up.ts';
import type { Ports } from './ports.ts';

export interface StartOptions {
  /** Adds the rules that are missing, instead of naming them. */
  openFirewall?: true;
  /** Leaves the firewall to others, as wg-quick(8) does. */
  ignoreFirewall?: true;
  crypto?: string;
}

/** What fails half way is taken back completely. `next` belongs to it. */
export async function startInterface(
  ports: Ports,
  file: ConfigFile,
  options: StartOptions & UpOptions,
  next: () => Promise<void>,
): Promise<void> {
  await bringUp(ports, file, options);
  try {
    if (options.ignoreFirewall !== true) await guardFirewall(ports, file, options);
    await next();
  } catch (error) {
    await closeFirewall(ports, file.name);
    await takeBack(ports, file);
    throw error;
  }
}
