/** `peerage install-links`: links by whose names this program is wg(8), wg-quick(8) and peerage-tun. */
import { UserError } from '../errors.ts';
import { addExamples } from './help.ts';
import type { Files, LinkTargets, Ports } from './ports.ts';
import type { AddCommand } from './command.ts';

const LINKS = { wg: 'peerage', 'wg-quick': 'peerage', 'peerage-tun': 'peerageTun' } as const satisfies Record<
  string,
  keyof LinkTargets
>;

interface Link {
  path: string;
  target: string;
  found: 'nothing' | 'this link' | 'something else';
}

export const addInstallLinks: AddCommand = (program, ports) => {
  const command = program
    .command('install-links')
    .description('let this program be called as wg, wg-quick and peerage-tun')
    .argument('<folder>', 'where the links go: a folder of your PATH')
    .option('--force', 'replace files of these names')
    .action((folder: string, { force = false }: { force?: boolean }) => installLinks(ports, folder, force));
  addExamples(command, [
    ['sudo peerage install-links /usr/local/bin', 'for everybody, in place of wireguard-tools'],
    ['peerage install-links ~/bin', 'for yourself'],
  ]);
};

/** All of them, or none where a file is in the way. */
async function installLinks(ports: Ports, named: string, force: boolean): Promise<void> {
  const folder = trimSlashes(named);
  const { files, processes, terminal } = ports;
  const targets = processes.linkTargets;
  if (targets === undefined)
    throw new UserError(`${processes.runtime} does not run this program through a link`, {
      remedy: 'Two lines in a file for each name do instead: docs/guide/deno.md. Or use the single binary.',
    });
  const links = await Promise.all(
    Object.entries(LINKS).map(([name, program]) => lookAt(files, `${folder}/${name}`, targets[program])),
  );
  const inTheWay = links.filter(({ found }) => found === 'something else').map(({ path }) => path);
  if (inTheWay.length > 0 && !force)
    throw new UserError(`already there: ${inTheWay.join(', ')}`, {
      remedy: 'Name another folder, or replace what is there: --force. Nothing was changed.',
    });
  for (const { path, target, found } of links) {
    // oxlint-disable-next-line no-await-in-loop -- told one by one, so that a failure comes behind what was done
    if (found !== 'this link') await files.link(path, target);
    terminal.stderr(`${path} -> ${target}${found === 'this link' ? ', as before' : ''}\n`);
  }
  const whole = await files.realPath(folder);
  const isOnPath = (processes.env['PATH'] ?? '').split(':').some((each) => [folder, whole].includes(trimSlashes(each)));
  terminal.stderr(isOnPath ? 'Next: wg show\n' : `Next: export PATH="${whole}:$PATH"\n`);
}

async function lookAt(files: Files, path: string, target: string): Promise<Link> {
  const present = await files.linkTarget(path);
  if (present === target) return { path, target, found: 'this link' };
  return { path, target, found: present === undefined ? 'nothing' : 'something else' };
}

function trimSlashes(folder: string): string {
  return folder.replace(/(?<=.)\/+$/, '');
}
