/** `peerage tun`: the tunnel daemon, as `peerage-tun` runs it. Configured from outside, by `wg`, `peerage up` or the UAPI. */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';

interface TunOptions {
  foreground?: boolean;
  crypto?: string;
  threads?: string;
}

export const addTun: AddCommand = (program, ports) => {
  const command = program
    .command('tun')
    .description('run a bare tunnel, to be configured with wg or over its UAPI socket')
    .argument('<interface>')
    .option('-f, --foreground', 'stay in this terminal')
    .option('--crypto <provider>', 'use this crypto provider')
    .option('--threads <number>', 'threads that carry packets, half of them each way; 0: one thread does everything')
    .action(async (name: string, { foreground = false, ...options }: TunOptions) => {
      await ports.services.runTunnel(name, { foreground, ...options });
    });
  addExamples(command, [
    ['peerage tun wg0', 'create the interface wg0, and return when it can be configured'],
    ['LOG_LEVEL=verbose peerage tun -f wg0', 'the same in this terminal, telling what happens'],
    ['WG_QUICK_USERSPACE_IMPLEMENTATION=peerage-tun wg-quick up wg0', 'let wg-quick use it'],
  ]);
};
