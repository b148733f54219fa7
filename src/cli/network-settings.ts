/** `peerage network set NAME`: the port of the hosts to come, and how long hosts stay. Its rules are in sight-rules.ts. */
import type { Command } from 'commander';
import type { NetworkPatch, NetworkView } from '../registry/wire.ts';
import { changeNetwork } from './admin-change.ts';
import { durationParser, formatDuration, YEAR_SECONDS } from './duration.ts';
import { addExamples } from './help.ts';
import { parsePortOption } from './port-option.ts';
import type { Ports } from './ports.ts';
import { formatTable } from './table.ts';

/** Their names are those of the options. */
const COLUMNS = [
  { title: 'NETWORK' },
  { title: 'PORT', align: 'right' },
  { title: 'QUARANTINE' },
  { title: 'KEEP' },
  { title: 'GRACE' },
  { title: 'SILENCE' },
] as const;

const FOR_EVER = 'forever';

// What the registry takes.
const most = 10 * YEAR_SECONDS;
const parseDuration = durationParser({ least: 0, most });
const parseLifetime = durationParser({ least: 60, most });

interface SetOptions {
  port?: number;
  quarantine?: number;
  keep?: number | typeof FOR_EVER;
  grace?: number;
  silence?: number;
  json?: true;
}

export function addSet(group: Command, ports: Ports): void {
  const command = group
    .command('set')
    .description('show or set the port of hosts to come, and how long hosts stay')
    .argument('<name>', 'as `peerage network ls` shows it')
    .option('--port <number>', 'UDP port of the hosts to come', parsePortOption)
    .option(
      '--quarantine <duration>',
      'removed hosts can be restored for so long, and their addresses rest: 1h, 7d',
      parseDuration,
    )
    .option('--keep <duration>', `hosts stay so long, unless they renew themselves; or ${FOR_EVER}`, parseKeep)
    .option('--grace <duration>', 'for so long after that they may still renew themselves, then they go', parseDuration)
    .option('--silence <duration>', 'ephemeral hosts go after so much of it', parseLifetime)
    .option('--json', 'for machines')
    .action((name: string, options: SetOptions) => showOrSet(name, options, ports));
  addExamples(command, [
    ['peerage network set home', 'what is set'],
    ['peerage network set home --keep 30d --grace 7d', 'hosts renew themselves within 30 days, with a week more'],
    ['peerage network set home --keep forever', 'hosts that come from now on stay'],
    ['peerage network set home --quarantine 1d --silence 10m', 'addresses rest a day, ephemeral hosts go quickly'],
  ]);
}

async function showOrSet(name: string, options: SetOptions, ports: Ports): Promise<void> {
  const patch = patchOf(options);
  const isSet = Object.keys(patch).length > 0;
  const intent = `${isSet ? 'change' : 'read'} the network "${name}"`;
  const view = await changeNetwork(ports, { network: name, intent, decide: () => (isSet ? patch : undefined) });
  const { terminal } = ports;
  if (options.json === true) return terminal.stdout(`${JSON.stringify(view, null, 2)}\n`);
  terminal.stdout(formatTable(COLUMNS, [rowOf(view)], terminal.columns));
  if (options.port !== undefined) terminal.stderr('Hosts that are in keep the port that they have.\n');
  if (options.keep !== undefined)
    terminal.stderr('The lifetime is that of hosts that come or are renewed from now on: peerage renew HOST\n');
}

function patchOf({ port, quarantine, keep, grace, silence }: SetOptions): NetworkPatch {
  return {
    ...(port !== undefined && { listenPort: port }),
    ...(quarantine !== undefined && { quarantine }),
    ...(keep !== undefined && { hostLifetime: keep === FOR_EVER ? null : keep }),
    ...(grace !== undefined && { grace }),
    ...(silence !== undefined && { silence }),
  };
}

function rowOf({ name, listenPort, quarantine, hostLifetime, grace, silence }: NetworkView): string[] {
  const keep = hostLifetime === null ? FOR_EVER : formatDuration(hostLifetime);
  return [name, String(listenPort), formatDuration(quarantine), keep, formatDuration(grace), formatDuration(silence)];
}

function parseKeep(text: string): number | typeof FOR_EVER {
  return text === FOR_EVER ? text : parseLifetime(text);
}
