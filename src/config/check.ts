/**
 * What is wrong with configuration files: each by itself, and all of them as the files of one network.
 *
 * No finding ever holds a private or preshared key.
 */
import { formatCidr, maskCidr } from '../ip.ts';
import type { PrivateKey, PublicKey } from '../keys.ts';
import { checkFile } from './check-file.ts';
import { checkSet } from './check-set.ts';
import { createReporter, sortFindings, type CheckedFile, type Finding } from './finding.ts';
import { draftConfig } from './parse.ts';

/**
 * A single file is checked by itself only: nothing is known of the other hosts then.
 *
 * @param derivePublicKey X25519, as the crypto port does it.
 */
export function checkConfigs(
  files: readonly { file: string; text: string }[],
  derivePublicKey: (privateKey: PrivateKey) => PublicKey,
): Finding[] {
  const findings: Finding[] = [];
  const checked = files.map(({ file, text }): CheckedFile => {
    const draft = draftConfig(text, { file });
    const { privateKey } = draft.interface;
    return { ...draft, file, text, publicKey: privateKey && derivePublicKey(privateKey) };
  });
  const addresses = checked.flatMap((file) => file.interface.addresses.map(maskCidr));
  const ranges = [...new Map(addresses.map((range) => [formatCidr(range), range])).values()];
  for (const file of checked) checkFile(file, ranges, createReporter(file.file, findings));
  if (checked.length > 1) checkSet(checked, (file) => createReporter(file.file, findings));
  return sortFindings(
    findings,
    files.map(({ file }) => file),
  );
}
