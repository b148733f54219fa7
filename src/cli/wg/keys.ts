/** `genkey`, `genpsk` and `pubkey`: what they read and print. */
import { UserError } from '../../errors.ts';
import { formatKey, generatePresharedKey, generatePrivateKey, parsePrivateKey, type PublicKey } from '../../keys.ts';
import type { Ports, Terminal } from '../ports.ts';

/** A key is 44 characters; behind it wg(8) passes over what isspace(3) does, and over zeros. */
// oxlint-disable-next-line no-control-regex -- zeros, as said
const KEY_AND_REST = /^(?<key>[^]{44})(?<rest>[ \t\n\v\f\r\0]*)(?<trailing>[^]*)$/;

export function genkey({ terminal, random }: Ports): void {
  warnWhenOthersCanRead(terminal);
  terminal.stdout(`${formatKey(generatePrivateKey(random))}\n`);
}

export function genpsk({ terminal, random }: Ports): void {
  warnWhenOthersCanRead(terminal);
  terminal.stdout(`${formatKey(generatePresharedKey(random))}\n`);
}

export async function pubkey(ports: Ports): Promise<void> {
  const { terminal } = ports;
  const input = KEY_AND_REST.exec(await terminal.stdin())?.groups;
  if (input !== undefined && input['trailing'] !== '') throw new UserError('Trailing characters found after key');
  const privateKey = parsePrivateKey(input?.['key'] ?? '');
  if (privateKey === undefined) throw new UserError('Key is not the correct length or format');
  const crypto = await ports.crypto();
  terminal.stdout(`${formatKey(crypto.publicKey(privateKey) as PublicKey)}\n`); // 32 bytes by the port's contract
}

function warnWhenOthersCanRead(terminal: Terminal): void {
  if (!terminal.stdoutIsWorldAccessible) return;
  terminal.stderr('Warning: writing to world accessible file.\nConsider setting the umask to 077 and trying again.\n');
}
