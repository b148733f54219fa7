/** `peerage tag NAME`: the groups that a host belongs to, which `peerage network rules` is about. */
import { UserError } from '../errors.ts';
import { changeHost } from './admin-change.ts';
import type { AddCommand } from './command.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';

interface TagOptions {
  network?: string;
  clear?: true;
  json?: true;
}

export const addTag: AddCommand = (program, ports) => {
  const command = program
    .command('tag')
    .description('show or set the groups that a host belongs to')
    .argument('<name>', 'as `peerage ls` shows it')
    .argument('[tag...]', 'all tags that it shall have')
    .option('--clear', 'it belongs to none')
    .option('--network <name>', 'of this network (the only one, unless said)')
    .option('--json', 'for machines')
    .action((name: string, tags: string[], options: TagOptions) => tag(name, tags, options, ports));
  addExamples(command, [
    ['peerage tag teddy office', 'teddy is one of the office, and of nothing else'],
    ['peerage tag teddy', 'what it is'],
    ['peerage tag teddy --clear', 'it is nothing any more'],
  ]);
};

async function tag(host: string, tags: readonly string[], options: TagOptions, ports: Ports): Promise<void> {
  const { network, clear, json } = options;
  if (clear === true && tags.length > 0)
    throw new UserError('there are tags beside --clear', { remedy: 'Say one of the two.', exitCode: 2 });
  const isSet = clear === true || tags.length > 0;
  const decide = () => (isSet ? { tags: [...tags] } : undefined);
  const view = await changeHost(ports, { host, network, intent: `set the tags of "${host}"`, decide });
  const { terminal } = ports;
  if (json === true) return terminal.stdout(`${JSON.stringify({ host, tags: view.tags }, null, 2)}\n`);
  if (view.tags.length === 0) return terminal.stderr(`"${host}" has no tag.\n`);
  return terminal.stdout(`${view.tags.join(' ')}\n`);
}
