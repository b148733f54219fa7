/** `peerage join`: makes this host a member of a network, and keeps it one. */
import { addExamples } from './help.ts';
import type { AddCommand } from './command.ts';
import type { JoinOptions } from './join-network.ts';
import { parsePortOption } from './port-option.ts';

export const addJoin: AddCommand = (program, ports) => {
  const command = program
    .command('join')
    .description('make this host a member of a network, and keep its peers current')
    .argument(
      '<registry/token>',
      'what the administrator sent; https, unless the address is a private one or says http://',
    )
    .option('--name <name>', 'what the others call this host (its host name, unless said)')
    .option('--interface <name>', 'the interface to make', 'wg0')
    .option('--endpoint <host:port>', 'where others reach this host; leave it out behind NAT or with a dynamic address')
    .option('--listen-port <port>', 'the UDP port to listen on (the port of the network, unless said)', parsePortOption)
    .option('--routes <prefixes>', 'networks behind this host, separated by commas')
    .option('--exit <host>', 'the host that the default route of this one shall go through')
    .option('--open-firewall', 'add the firewall rules that are missing; `down` removes them')
    .option('--foreground', 'keep the peers current in this process instead of one in the background')
    .option('--json', 'for machines')
    .action(async (link: string, options: JoinOptions) => {
      const { joinNetwork } = await import('./join-network.ts');
      await joinNetwork(ports, link, options);
    });
  addExamples(command, [
    ['peerage join vpn.example.net/pgt_...', 'join, with the line that `peerage add` or `peerage token` printed'],
    [
      'peerage join vpn.example.net < token.txt',
      'the same, with the token out of sight of other users (or in PEERAGE_TOKEN)',
    ],
    [
      'peerage join vpn.example.net/pgt_... --endpoint dolores.example.net:55867',
      'a host that others can reach directly',
    ],
    ['peerage join vpn.example.net/pgt_... --routes 172.27.88.0/24', 'a host with a network behind it'],
    ['peerage join vpn.example.net/pgt_... --exit berlin', 'a host all of whose traffic goes through another one'],
  ]);
};
