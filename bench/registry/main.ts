/**
 * `npm run bench:registry`: what a registry does in a second on each runtime, in networks of 10, 1,000 and 10,000 hosts, what one change
 * costs as the network grows, and what hosts that wait take. Client and registry share the machine, as two processes over loopback.
 */
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { describeMachine } from '../tunnel/machine.ts';
import { formatRows, toRows, type Series } from '../tunnel/report.ts';
import { createClient, type Ask } from './client.ts';
import { wentIntoNamespaces } from './innernet-server.ts';
import { measureInnernet } from './innernet.ts';
import { startMeasured, type MeasuredRegistry } from './server.ts';
import { HOSTS_ASKING, measureThroughput, type Figures } from './throughput.ts';
import { HOSTS_WAITING, measureAgents, measureWaiting } from './waiting.ts';

const USAGE = `npm run bench:registry -- [options]

  --runtimes LIST   node,bun,deno; none: only what --against names
  --sizes LIST      10,1000,10000 hosts in a network; none: only hosts that wait
  --agents LIST     300,1000 that wait for half a minute; none: leave that out
  --rounds N        3; medians are told
  --against PATH    innernet-server beside them, through a tunnel of its own; wants namespaces, ip, wg and wireguard-go
  --json FILE       keep the figures there
`;

const { values: options } = parseArgs({
  options: {
    runtimes: { type: 'string', default: 'node,bun,deno' },
    sizes: { type: 'string', default: '10,1000,10000' },
    agents: { type: 'string', default: '300,1000' },
    rounds: { type: 'string', default: '3' },
    against: { type: 'string' },
    json: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
});

if (options.help) process.stdout.write(USAGE);
else if (options.against === undefined || !wentIntoNamespaces()) await main();

async function main(): Promise<void> {
  const machine = describeMachine();
  const series: Series[] = [];
  const contenders: string[] = [];
  console.log(JSON.stringify(machine));
  for (const name of words(options.runtimes)) {
    contenders.push(`${name}: ${versionOf(name)}`);
    // oxlint-disable-next-line no-await-in-loop -- one registry after the other has the machine
    for (const figures of await measureRuntime(name))
      series.push({ scenario: 'registry', contender: name, ...figures });
  }
  const { against } = options;
  if (against !== undefined) {
    contenders.push(`innernet: ${versionOf(against)}`);
    for (const hosts of numbers(options.sizes)) {
      // oxlint-disable-next-line no-await-in-loop -- as above
      const figures = await measureInnernet(against, { hosts, rounds: Number(options.rounds) });
      for (const found of figures) series.push({ scenario: 'registry', contender: 'innernet', ...found });
      tell('innernet', figures);
    }
  }
  const rows = toRows(series, against === undefined ? undefined : 'innernet');
  console.log(`${contenders.join(', ')}\n\n${formatRows(rows, { bars: true })}`);
  const after = describeMachine().load;
  console.log(`load before and after: ${machine.load}, ${after}`);
  if (options.json !== undefined)
    writeFileSync(
      options.json,
      `${JSON.stringify({ machine: { ...machine, loadAfter: after }, contenders, rows }, undefined, 2)}\n`,
    );
}

async function measureRuntime(name: string): Promise<Figures[]> {
  const figures: Figures[] = [];
  const on = async (
    hosts: number,
    keys: number,
    measure: (registry: MeasuredRegistry, ask: Ask) => Promise<Figures[]>,
  ) => {
    const registry = await startMeasured({ name, program: name }, { hosts, keys });
    const client = createClient(registry.url);
    try {
      const found = await measure(registry, client.ask);
      figures.push(...found);
      tell(name, found);
    } finally {
      client.close();
      await registry.close();
    }
  };
  const rounds = Number(options.rounds);
  for (const hosts of numbers(options.sizes))
    // oxlint-disable-next-line no-await-in-loop -- one registry after the other has the machine
    await on(hosts, Math.min(hosts, HOSTS_ASKING), (registry, ask) =>
      measureThroughput(registry, ask, { hosts, rounds }),
    );
  await on(HOSTS_WAITING, HOSTS_WAITING, measureWaiting);
  for (const agents of numbers(options.agents))
    // oxlint-disable-next-line no-await-in-loop -- as above
    await on(agents + 2, agents + 2, measureAgents);
  return figures;
}

function tell(name: string, figures: readonly Figures[]): void {
  for (const { figure, values, unit } of figures) console.error(`${name}: ${figure}: ${values.join(' ')} ${unit}`);
}

function numbers(list: string): number[] {
  return words(list).map(Number);
}

function words(list: string): string[] {
  return list === 'none' ? [] : list.split(',');
}

function versionOf(name: string): string {
  return execFileSync(name, ['--version'], { encoding: 'utf8' }).split('\n')[0]!; // it says something
}
