/** `peerage registry`, and `serve`: runs the registry on this machine. */
import { InvalidArgumentError, Option } from 'commander';
import { addExamples } from './help.ts';
import { addAdminKey } from './registry-admin-key.ts';
import { addImport } from './registry-import.ts';
import { addDatabaseCommands, defaultDatabase } from './registry-database.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';
import { isThisMachine, localUrl } from './registry-reach.ts';
import { notifyReady } from './service/notify.ts';

interface ServeOptions {
  db?: string;
  listen: Listen;
  publicUrl?: string;
  json?: true;
}

interface Listen {
  hostname: string;
  port: number;
}

const DEFAULT_LISTEN: Listen = { hostname: '127.0.0.1', port: 8080 };

export const addRegistry: AddCommand = (program, ports) => {
  const registry = program.command('registry').description('run the registry that lets hosts enrol themselves');
  const serve = registry
    .command('serve')
    .description('serve the registry until Ctrl-C or SIGTERM')
    .option('--db <file>', 'the database; made when it is missing (/var/lib/peerage/registry.db for root)')
    .addOption(
      new Option('--listen <host:port>', 'where to listen')
        .argParser(parseListen)
        .default(DEFAULT_LISTEN, `${DEFAULT_LISTEN.hostname}:${DEFAULT_LISTEN.port}`),
    )
    .option('--public-url <url>', 'what hosts and administrators call it, when a proxy stands before it')
    .option('--json', 'for machines: one line with "url" and, the first time, "adminKey"')
    .action((options: ServeOptions) => serveRegistry(options, ports));
  addDatabaseCommands(registry, ports);
  addImport(registry, ports);
  addAdminKey(registry, ports);
  addExamples(registry, [['peerage registry serve', 'serve a registry on this machine']]);
  addExamples(serve, [
    ['peerage registry serve', 'try it on this machine'],
    [
      'peerage registry serve --db /var/lib/peerage/registry.db --public-url https://vpn.example.net',
      'behind a reverse proxy that speaks TLS',
    ],
    ['peerage registry serve --listen 0.0.0.0:8080', 'open to the network, without TLS: for a laboratory'],
  ]);
};

async function serveRegistry({ db, listen, publicUrl, json }: ServeOptions, ports: Ports): Promise<void> {
  const databaseFile = db ?? defaultDatabase(ports);
  const { terminal } = ports;
  await ports.services.serveRegistry({
    databaseFile,
    ...listen,
    ...(publicUrl !== undefined && { publicUrl }),
    onListening(info) {
      void notifyReady(ports);
      if (json === true) return terminal.stdout(`${JSON.stringify(info)}\n`);
      const { url, adminKey } = info;
      terminal.stderr(`The registry answers at ${url}; its database is ${databaseFile}\n`);
      if (adminKey === undefined) return undefined;
      terminal.stdout(`Admin key: ${adminKey}\n`);
      const where = isThisMachine(url) ? 'on this machine' : 'on any machine';
      terminal.stderr(
        `Keep it: it is shown this once. Next, ${where}:\n${nextSteps(localUrl(url) ?? url)}${howFromElsewhere(url)}`,
      );
      return undefined;
    },
  });
}

function nextSteps(url: string): string {
  const steps: readonly (readonly [line: string, does: string])[] = [
    [`peerage login ${url}`, 'asks for the admin key'],
    ['peerage network add home', 'chooses addresses and a port'],
    ['peerage add dolores', 'prints the line to paste on dolores'],
  ];
  const width = Math.max(...steps.map(([line]) => line.length));
  return steps.map(([line, does]) => `  ${line.padEnd(width)}   # ${does}\n`).join('');
}

/** Lines to paste on other hosts name the registry as the administrator calls it, unless it was told its name. */
function howFromElsewhere(url: string): string {
  if (!isThisMachine(url)) return '';
  const reach =
    localUrl(url) === undefined
      ? `Other hosts do not reach ${url}. For them, put a server with TLS before it, and say its name:`
      : 'Other hosts need an address of this machine instead. Say it, so that the lines to paste name it:';
  return `${reach}\n  --public-url https://vpn.example.net\n`;
}

function parseListen(text: string): Listen {
  const [, v6, name, digits] = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]+)):([0-9]{1,5})$/.exec(text) ?? [];
  const hostname = v6 ?? name;
  const port = Number(digits);
  if (hostname === undefined || port > 65535) throw new InvalidArgumentError('Expected HOST:PORT or [IPV6]:PORT.');
  return { hostname, port };
}
