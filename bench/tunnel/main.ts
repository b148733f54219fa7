/**
 * `npm run bench`: our tunnel beside others, in one run, by turns. Every contender gets a pair of hosts of its own with a
 * tunnel between them; a scenario is measured on each in turn, round after round, so that whatever else the machine does
 * meets all alike. Root is needed, as for the tests of tunnels.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { whyNoLab } from '../../test/interop/lab/requirements.ts';
import { openPair, INSIDE, type Pair } from '../../test/interop/pair.ts';
import { startServer } from './iperf.ts';
import { ours, reference, RUNTIMES, type Contender, type RuntimeName } from './implementations.ts';
import { describeMachine } from './machine.ts';
import { formatRows, toRows, type Series } from './report.ts';
import { SCENARIOS, type Figure, type Scenario } from './scenarios.ts';
import { residentMegabytes } from './usage.ts';

const RESULTS = resolve(import.meta.dirname, '../results');
const USAGE = `usage: npm run bench -- [options]

  npm run bench                                     all of it, against the wireguard-go on the PATH
  npm run bench -- --only tcp-1,udp-300 --rounds 5
  npm run bench -- --against ~/go/bin/wireguard --against boringtun-cli
  npm run bench -- --runtimes bun --quick

  --runtimes LIST   of ${RUNTIMES.join(', ')}; all that are there unless said
  --against CMD     a peer to compare with, once or more; ratios are to the first (wireguard-go)
  --only LIST       of ${SCENARIOS.map(({ name }) => name).join(', ')}
  --rounds N        turns of each (3)
  --seconds S       of traffic a turn (10)
  --quick           one round of two seconds
  --threads LIST    of numbers, each a contender: PEERAGE_THREADS for ours; 0 is the loop in one thread
  --json FILE       where the figures go (bench/results/DATE.json)
`;

interface Stage {
  readonly contender: Contender;
  readonly pair: Pair;
}

process.exitCode = await main();

async function main(): Promise<number> {
  const options = parse();
  if (options === undefined) return 2;
  const reason = whyNoLab();
  if (reason !== undefined) return complain(`no hosts to measure on: ${reason}`);
  const contenders = [...options.runtimes.map(ours), ...options.against.map(reference)].flatMap((found) => {
    if (typeof found !== 'string') return withThreads(found, options.threads);
    complain(`not measured: ${found}`);
    return [];
  });
  if (contenders.length === 0) return 1;
  const machine = describeMachine();
  if (machine.load > 0.5) complain(`the load of this machine is ${machine.load.toFixed(1)}: only ratios say something`);
  const series = await measureAll(contenders, options);
  const rows = toRows(series, contenders.find(({ isReference }) => isReference)?.name);
  const about = contenders.map(({ name, version }) => `${name}: ${version}`);
  process.stdout.write(`${machine.cpu}, ${machine.cores} cores, Linux ${machine.kernel}\n${about.join('\n')}\n\n`);
  process.stdout.write(formatRows(rows, { bars: process.stdout.isTTY }));
  mkdirSync(dirname(options.json), { recursive: true });
  writeFileSync(options.json, `${JSON.stringify({ machine, contenders: about, rows }, undefined, 2)}\n`);
  complain(`kept in ${options.json}`);
  return 0;
}

function parse() {
  try {
    const { values } = parseArgs({
      options: {
        runtimes: { type: 'string', default: RUNTIMES.join(',') },
        against: { type: 'string', multiple: true, default: ['wireguard-go'] },
        only: { type: 'string' },
        rounds: { type: 'string', default: '3' },
        seconds: { type: 'string', default: '10' },
        quick: { type: 'boolean', default: false },
        threads: { type: 'string' },
        json: {
          type: 'string',
          default: join(RESULTS, `${new Date().toISOString().slice(0, 16).replace(':', '')}.json`),
        },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    if (values.help) {
      process.stdout.write(USAGE);
      process.exit(0);
    }
    const runtimes = values.runtimes
      .split(',')
      .filter(Boolean)
      .map((name) => {
        if (!(RUNTIMES as readonly string[]).includes(name)) throw new Error(`--runtimes: there is no ${name}`);
        return name as RuntimeName; // looked up above
      });
    const scenarios = (values.only?.split(',') ?? SCENARIOS.map(({ name }) => name)).map((name) => {
      const scenario = SCENARIOS.find((one) => one.name === name);
      if (scenario === undefined) throw new Error(`--only: there is no ${name}`);
      return scenario;
    });
    return {
      runtimes,
      scenarios,
      against: values.against,
      threads: values.threads?.split(',') ?? [],
      json: values.json,
      rounds: values.quick ? 1 : positive('--rounds', values.rounds),
      seconds: values.quick ? 2 : positive('--seconds', values.seconds),
    };
  } catch (error) {
    complain(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return undefined;
  }
}

async function measureAll(
  contenders: readonly Contender[],
  { scenarios, rounds, seconds }: { scenarios: readonly Scenario[]; rounds: number; seconds: number },
): Promise<Series[]> {
  await using opened = new AsyncDisposableStack();
  const stages: Stage[] = [];
  for (const contender of contenders) {
    const pair = opened.use(await openPair(contender, contender));
    await startServer(pair);
    await pair.initiator.host.waitFor(`${contender.name} answers`, (host) => host.canPing(INSIDE.responder[4]));
    stages.push({ contender, pair });
  }
  const series = new Map<string, Series & { values: number[] }>();
  for (const { contender, pair } of stages) {
    const { now } = await residentMegabytes([pair.initiator, pair.responder]);
    note(series, 'memory', contender, { name: 'memory idle', unit: 'MB', better: 'lower', value: now });
  }
  for (const scenario of scenarios)
    for (let round = 1; round <= rounds; round++)
      for (const { contender, pair } of stages) {
        process.stderr.write(`${scenario.name} (${scenario.what}), round ${round} of ${rounds}: ${contender.name}\n`);
        try {
          for (const figure of await scenario.measure(pair, { seconds }))
            note(series, scenario.name, contender, figure);
        } catch (error) {
          // One that fails must not cost the figures of all others; a gap in the table shows it.
          complain(`${scenario.name} failed on ${contender.name}: ${String(error)}`);
        }
      }
  return [...series.values()];
}

function note(
  series: Map<string, Series & { values: number[] }>,
  scenario: string,
  { name: contender }: Contender,
  { name: figure, unit, better, value }: Figure,
): void {
  const key = `${figure}\0${contender}`;
  const known = series.get(key);
  if (known === undefined) series.set(key, { scenario, figure, unit, better, contender, values: [value] });
  else known.values.push(value);
}

/** One of it for each number of threads. */
function withThreads(contender: Contender, threads: readonly string[]): Contender[] {
  if (threads.length === 0 || contender.isReference) return [contender];
  const name = (number: string): string => (threads.length === 1 ? contender.name : `${contender.name}-${number}`);
  return threads.map((number) => ({
    ...contender,
    name: name(number),
    env: { ...contender.env, PEERAGE_THREADS: number },
  }));
}

function positive(option: string, text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new Error(`${option} expected a whole number from 1 on, got "${text}"`);
  return value;
}

function complain(message: string): number {
  process.stderr.write(`bench: ${message}\n`);
  return 1;
}
