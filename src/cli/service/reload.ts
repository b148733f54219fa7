/** `service reload`: brings a running interface to its file, as `wg syncconf` with a stripped file does. */
import { readConfigFile } from '../config-file.ts';
import type { Ports } from '../ports.ts';
import { syncChange } from '../sync-change.ts';
import { changeTunnel, describeTunnel } from '../tunnel.ts';
import { setConfigChange } from '../tunnel-change.ts';

export async function reloadInterface(ports: Ports, name: string): Promise<void> {
  const { config } = await readConfigFile(ports, name);
  const { listenPort, fwmark, ...wanted } = await setConfigChange(ports, config, { unresolved: 'warn' });
  // What the file leaves out was chosen when the interface came up: peers know that port, and rules that mark.
  const change = syncChange(await describeTunnel(ports, name), {
    ...wanted,
    ...(config.interface.listenPort === undefined || listenPort === undefined ? {} : { listenPort }),
    ...(config.interface.fwmark === undefined || fwmark === undefined ? {} : { fwmark }),
  });
  await changeTunnel(ports, name, change);
}
