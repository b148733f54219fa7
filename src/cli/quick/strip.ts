/**
 * A file of wg-quick(8) without what is not for wg(8). Lines stay as they are, comments included; only the white space around
 * them goes, as when wg-quick reads them. Unlike there, comments with `;` go: wg(8) refuses them.
 */
import { UserError } from '../../errors.ts';

/** Keys of [Interface] that wg(8) does not know. */
const QUICK_KEYS = new Set(['address', 'mtu', 'dns', 'table', 'preup', 'predown', 'postup', 'postdown', 'saveconfig']);

export function stripConfig(text: string): string {
  let inInterface = false;
  const kept: string[] = [];
  for (const line of splitLines(text)) {
    const [content = ''] = line.split('#', 1);
    const [key = ''] = content.split('=', 1);
    const name = key.trim().toLowerCase();
    if (name.startsWith('[')) inInterface = name === '[interface]';
    if (name.startsWith(';')) continue;
    if (inInterface && QUICK_KEYS.has(name)) expectBoolean(name, content);
    else kept.push(line);
  }
  return kept.map((line) => `${line}\n`).join('');
}

function splitLines(text: string): string[] {
  const lines = text.split('\n').map((line) => line.replaceAll(/^[ \t]+|[ \t]+$/g, ''));
  // What follows the last line break is a line only if something is in it.
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function expectBoolean(key: string, content: string): void {
  const value = content.slice(content.indexOf('=') + 1).trim();
  if (key === 'saveconfig' && !/^(?:true|false)$/i.test(value))
    throw new UserError(`\`${value}' is neither true nor false`);
}
