/**
 * What wg-quick(8) says of a file that is wrong, and how it ends. Ours says it before anything is done: what Debian's hands to wg(8) and
 * ip(8) step by step is read here first.
 */
import type { ConfigError, Problem } from '../../config/parse.ts';
import { UserError } from '../../errors.ts';
import type { SettingPorts } from '../wg/settings.ts';
import { readWgConfig } from '../wg/read-config.ts';
import { WgError } from '../wg/wg-error.ts';
import { stripConfig } from './strip.ts';

export interface Refusal {
  text: string;
  exitCode: number;
}

const KEY = /[A-Za-z0-9+/]{43}=/g;

/** `command`: only `up` has a use for what is not its own. */
export async function refuse(ports: SettingPorts, error: ConfigError, command: string): Promise<Refusal> {
  const [first] = error.problems;
  try {
    const text = stripConfig(await readText(ports, first?.file ?? ''));
    if (command === 'up') await readWgConfig(withoutPatience(ports), { file: '', text }, { isAddition: false });
  } catch (said) {
    if (said instanceof WgError) return { text: `${withoutSecret(said)}\n`, exitCode: 1 };
    if (said instanceof UserError) return { text: `wg-quick: ${said.message}\n`, exitCode: 1 };
    throw said;
  }
  const { position, message } = error;
  const where = position === undefined ? '' : `${position.file}:${position.line}: `;
  return { text: `wg-quick: ${where}${message}\n`, exitCode: command === 'up' ? exitCodeOfIp(first) : 1 };
}

/** What ip(8) ends with: 255 when one of its arguments is wrong, 2 when the kernel refuses it. */
function exitCodeOfIp(problem: Problem | undefined): number {
  if (problem?.key === 'MTU') return /^"\d+"$/.test(problem.found) ? 2 : 255;
  return problem?.key === 'Table' ? 255 : 1;
}

/** The file is wrong already: no name is waited for. */
function withoutPatience(ports: SettingPorts): SettingPorts {
  const { processes } = ports;
  return { ...ports, processes: { ...processes, env: { ...processes.env, WG_ENDPOINT_RESOLUTION_RETRIES: '0' } } };
}

async function readText({ files }: Pick<SettingPorts, 'files'>, path: string): Promise<string> {
  return (await files.read(path)) ?? '';
}

/** wg(8) repeats a key that is wrong, and a line that it does not know, whatever is in it. */
function withoutSecret(said: WgError): string {
  const [, ...end] = said.wgMessage.split('\n');
  if (said.message === 'Key is not the correct length or format') return [said.message, ...end].join('\n');
  return said.message === 'Line unrecognized' ? said.wgMessage.replaceAll(KEY, '(hidden)') : said.wgMessage;
}
