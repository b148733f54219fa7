/** A file in the format of wg(8), with all its mistakes told at once. */
import type { Config } from '../config/config.ts';
import { ConfigError, parseConfig } from '../config/parse.ts';
import { UserError } from '../errors.ts';
import type { Ports } from './ports.ts';

/** wg(8)'s own; the others of an [Interface] section are for wg-quick(8), and would not be heeded here. */
const WG_KEYS = new Set(['privatekey', 'listenport', 'fwmark']);

export async function readWgFile(
  ports: Pick<Ports, 'files'>,
  file: string,
): Promise<{ file: string; text: string; config: Config }> {
  const text = await ports.files.read(file);
  if (text === undefined) throw new UserError(`\`${file}' does not exist`);
  const parsed = parseConfig(text, { file });
  if ('problems' in parsed) throw new ConfigError(parsed.problems);
  const foreign = parsed.source.interface?.entries.find((entry) => !WG_KEYS.has(entry.key.toLowerCase()));
  if (foreign !== undefined)
    throw new UserError(`${foreign.key} is a key of wg-quick(8), which is not for a running tunnel`, {
      position: { file, line: foreign.line },
      remedy: 'Take such lines out, for example with `peerage strip`.',
    });
  return { file, text, config: parsed.config };
}
