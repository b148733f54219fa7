/**
 * A file as wg(8) reads it: line by line, the first mistake ends it, and of the keys of wg-quick(8) it knows none. What
 * config/parse.ts reads is more, and it finds all mistakes.
 */
import { UserError } from '../../errors.ts';
import type { TunnelChange } from '../../tunnel/state.ts';
import { finishChange } from './finish-change.ts';
import { findSetting, type PeerDraft, type SettingPorts, type TunnelDraft } from './settings.ts';
import { withoutSpace } from './values.ts';
import { WgError } from './wg-error.ts';

/** A comment, or a zero, which ends a text in C. */
// oxlint-disable-next-line no-control-regex -- as said
const END_OF_LINE = /[#\0].*/s;

/** A file and what is in it. */
export interface Source {
  file: string;
  text: string;
}

/** `isAddition`: only what the file says is changed, and no peer goes. */
export async function readWgConfig(
  ports: SettingPorts,
  { file, text }: Source,
  options: { isAddition: boolean },
): Promise<TunnelChange> {
  const tunnel: TunnelDraft = options.isAddition
    ? { peers: [] }
    : { privateKey: null, listenPort: 0, fwmark: 0, replacePeers: true, peers: [] };
  let section: 'none' | 'interface' | 'peer' = 'none';
  let peer: PeerDraft | undefined;
  for (const [i, raw] of text.split('\n').entries()) {
    const line = withoutSpace(raw.replace(END_OF_LINE, ''));
    if (line === '') continue;
    const name = line.toLowerCase();
    if (name === '[interface]') {
      section = 'interface';
      peer = undefined;
    } else if (name === '[peer]') {
      section = 'peer';
      peer = { replaceAllowedIps: true };
      tunnel.peers.push(peer);
    } else {
      const [key = '', ...values] = line.split('=');
      const value = values.join('=');
      const setting = section === 'none' || value === '' ? undefined : findSetting({ tunnel, peer }, { key }, ports);
      try {
        if (setting === undefined)
          throw new WgError(`Line unrecognized: \`${line}'`, new UserError('Line unrecognized'));
        // In their order, as the messages appear.
        // oxlint-disable-next-line no-await-in-loop
        await setting.put(value);
      } catch (error) {
        throw error instanceof WgError ? mistake(error, { file, line: i + 1 }) : error;
      }
    }
  }
  try {
    return finishChange(tunnel);
  } catch (error) {
    throw error instanceof WgError ? new WgError(`${error.wgMessage}\nInvalid configuration`, error) : error;
  }
}

function mistake(error: WgError, position: { file: string; line: number }): WgError {
  return new WgError(`${error.wgMessage}\nConfiguration parsing error`, new UserError(error.message, { position }));
}
