/**
 * Six hosts, one VPN, end to end: `npm run demo`.
 *
 *   1. A registry is started, and with it the network of the guide is made.
 *   2. Six hosts enrol, in every way there is, and bring up real tunnels.
 *   3. What was promised is checked, and shown.
 *
 * All of it in network namespaces that end with this process, however it ends. Exit code 1 when a promise is not kept.
 */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { Lab } from '../../test/interop/lab/lab.ts';
import { whyNoLab } from '../../test/interop/lab/requirements.ts';
import { WAYS, enrol, refresh, startRegistry } from './enrol.ts';
import { formatJson, formatReport, isGood } from './report.ts';
import type { Outcome } from './report.ts';
import { buildWorld } from './topology.ts';
import type { MemberName, World } from './topology.ts';
import { checkPairs, checkRedis, checkSites, readStatuses } from './verify.ts';

const USAGE = `usage: demo.ts [--keep] [--json]

  --keep  leave everything running until Ctrl-C, and say how to look around
  --json  the result for machines
`;

/** The hosts with plain curl come last: what they fetch has everybody in it. */
const ORDER: readonly MemberName[] = ['dolores', 'maeve', 'teddy', 'charlotte', 'bernard', 'arnold'];
const PROGRAMS = ['nft', 'ping', 'curl', 'wg', 'wg-quick', 'bash', 'redis-server', 'redis-cli'];

process.exitCode = await main(process.argv.slice(2));

async function main(args: string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) return 2;
  const missing = whyNoLab(PROGRAMS);
  if (missing !== undefined) {
    say(`The demo cannot run here: ${missing}`);
    return 1;
  }
  const interrupted = new Promise<'interrupted'>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve('interrupted'));
  });
  try {
    await using lab = await Lab.open();
    const result = await Promise.race([run(lab), interrupted]);
    if (result === 'interrupted') return 130;
    const { world, outcome } = result;
    const screen = { width: process.stdout.columns ?? 160, now: Date.now() };
    process.stdout.write(options.json ? formatJson(outcome) : formatReport(outcome, screen));
    if (options.keep) {
      sayHowToEnter(world);
      await interrupted;
    }
    return isGood(outcome) ? 0 : 1;
  } catch (error) {
    say(`The demo failed: ${error instanceof Error ? error.message : String(error)}`);
    return 1;
  }
}

async function run(lab: Lab): Promise<{ world: World; outcome: Outcome }> {
  const start = performance.now();
  say('Building an internet, a home and an office');
  const world = await buildWorld(lab);
  say('registry: peerage registry serve');
  const administrator = await startRegistry(world.registry);
  for (const name of ORDER) {
    say(`${name}: ${WAYS[name]}`);
    await enrol(name, world, administrator);
  }
  for (const name of ORDER) await refresh(name, world);

  const listed = await readStatuses(world, administrator);
  say('Pinging every host from every other');
  const pairs = await checkPairs(world, listed, showProgress);
  say('Pinging the devices at home and in the office');
  const sites = await checkSites(world);
  say('Pinging every host from every other, with the registry silent');
  const pairsAlone = await administrator.withoutRegistry(() => checkPairs(world, listed, showProgress));
  say('Asking Redis');
  const redis = await checkRedis(world, listed);
  const members = await readStatuses(world, administrator);
  const seconds = Math.round((performance.now() - start) / 1000);
  return { world, outcome: { members, pairs, pairsAlone, sites, redis, seconds } };
}

function sayHowToEnter(world: World): void {
  say('\nEverything stays until Ctrl-C. A shell on each:');
  for (const host of [world.registry, ...Object.values(world.members), world.stranger])
    say(`  ${host.name.padEnd(10)} ${host.enterCommand}`);
}

function showProgress(answered: number, wanted: number): void {
  if (!process.stderr.isTTY) return;
  process.stderr.write(`\r  ${answered} of ${wanted} answered${answered === wanted ? '\n' : ''}`);
}

function parseOptions(args: string[]): { keep: boolean; json: boolean } | undefined {
  try {
    const { values } = parseArgs({
      args,
      options: { keep: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
    });
    return values;
  } catch {
    say(USAGE);
    return undefined;
  }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
