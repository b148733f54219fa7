/** The arguments of `wg set INTERFACE`. */
import { UserError } from '../../errors.ts';
import { parsePublicKey } from '../../keys.ts';
import type { TunnelChange } from '../../tunnel/state.ts';
import { finishChange } from './finish-change.ts';
import { findSetting, type PeerDraft, type SettingPorts, type TunnelDraft } from './settings.ts';
import { readKey, readKeyFile } from './values.ts';

export async function readSetArguments(ports: SettingPorts, args: readonly string[]): Promise<TunnelChange> {
  const tunnel: TunnelDraft = { peers: [] };
  let peer: PeerDraft | undefined;
  for (let i = 0; i < args.length;) {
    const [word = '', value] = args.slice(i, i + 2);
    if (word === 'remove' && peer !== undefined) {
      peer.remove = true;
      i += 1;
      continue;
    }
    if (value === undefined) throw invalid(word);
    if (word === 'peer') {
      peer = { publicKey: readKey(value, parsePublicKey) };
      tunnel.peers.push(peer);
    } else {
      const setting = findSetting({ tunnel, peer }, { argument: word }, ports);
      if (setting === undefined) throw invalid(word);
      // In their order: a mistake ends it, and messages appear as they come.
      // oxlint-disable-next-line no-await-in-loop
      const text = setting.isInFile ? await readKeyFile(ports, value) : value;
      // oxlint-disable-next-line no-await-in-loop
      await setting.put(text);
    }
    i += 2;
  }
  return finishChange(tunnel);
}

function invalid(word: string): UserError {
  return new UserError(`Invalid argument: ${word}`, { exitCode: 2 });
}
