/**
 * `peerage syncconf`: brings a running tunnel to a configuration without disturbing the peers that stay.
 *
 * As `wg syncconf` but for one thing: a file without a PrivateKey leaves the key as it is. What a registry sends never
 * holds one, and `wg` would take the tunnel's away.
 */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';
import { syncChange } from './sync-change.ts';
import { changeTunnel, describeTunnel } from './tunnel.ts';
import { setConfigChange } from './tunnel-change.ts';
import { readWgFile } from './wg-file.ts';

export const addSyncconf: AddCommand = (program, ports) => {
  const command = program
    .command('syncconf')
    .description('bring a running tunnel to a configuration, leaving what stays the same alone')
    .argument('<interface>')
    .argument('<file>', 'in the format of wg(8); /dev/stdin to read it from a pipe')
    .action(async (name: string, file: string) => {
      const { config } = await readWgFile(ports, file);
      // A peer that cannot be resolved now must not keep the others from being brought up to date.
      const wanted = await setConfigChange(ports, config, { unresolved: 'warn' });
      await changeTunnel(ports, name, syncChange(await describeTunnel(ports, name), wanted));
    });
  addExamples(command, [
    [
      `curl -fsS -H @/etc/wireguard/wg0.auth 'https://vpn.example.net/v1/config?format=wg' | peerage syncconf wg0 /dev/stdin`,
      'fetch the current peers from a registry',
    ],
    ['peerage strip wg0 | peerage syncconf wg0 /dev/stdin', 'heed a changed /etc/wireguard/wg0.conf'],
  ]);
};
