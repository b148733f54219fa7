/** `peerage offer`: says what lies behind this host, for the administrator to approve. */
import { UserError } from '../errors.ts';
import { parseCidr } from '../ip.ts';
import { changeSelf, expectMembership } from './change-self.ts';
import type { AddCommand } from './command.ts';
import { addExamples } from './help.ts';
import { expectRoot } from './interface-up.ts';
import type { Ports } from './ports.ts';

interface OfferOptions {
  interface: string;
  json?: true;
}

export const addOffer: AddCommand = (program, ports) => {
  const command = program
    .command('offer')
    .description('say which networks lie behind this host; an administrator approves them')
    .argument('<prefix...>', 'all of them from now on; 0.0.0.0/0 and ::/0: it is an exit; none: nothing')
    .option('--interface <name>', 'as given to `join`', 'wg0')
    .option('--json', 'for machines')
    .action((prefixes: string[], options: OfferOptions) => offer(prefixes, options, ports));
  addExamples(command, [
    ['peerage offer 172.27.88.0/24', 'a network behind this host'],
    ['peerage offer 0.0.0.0/0 ::/0', 'this host is an exit for those that choose it'],
    ['peerage offer none', 'nothing any more'],
  ]);
};

async function offer(prefixes: readonly string[], options: OfferOptions, ports: Ports): Promise<void> {
  expectRoot(ports, 'offer');
  const routes = prefixes.length === 1 && prefixes[0] === 'none' ? [] : [...prefixes];
  const wrong = routes.find((route) => !route.includes('/') || parseCidr(route) === undefined);
  if (wrong !== undefined)
    throw new UserError(`"${wrong}" is no network`, { remedy: 'For example 172.27.88.0/24', exitCode: 2 });
  const membership = await expectMembership(ports, options.interface);
  const host = await changeSelf(ports, membership, { routes }, 'say what lies behind this host');
  const { routes: approved, requestedRoutes = [] } = host;
  const { terminal } = ports;
  if (options.json === true)
    return terminal.stdout(`${JSON.stringify({ routes: approved, requestedRoutes }, undefined, 2)}\n`);
  if (approved.length > 0) terminal.stdout(`Approved: ${approved.join(', ')}\n`);
  if (requestedRoutes.length === 0) return;
  terminal.stdout(`Waiting: ${requestedRoutes.join(', ')}\n`);
  terminal.stderr(`The administrator lets them in with: peerage route approve ${membership.host}\n`);
}
