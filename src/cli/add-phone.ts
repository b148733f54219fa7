/**
 * `peerage add NAME --qr`: a host that can only be told its configuration, once, by a QR code: a phone.
 *
 * 1. the key pair, made here: the phone cannot make one before it has the rest
 * 2. enrolment with a token for this one host; the registry hears the public key only
 * 3. the QR code, with the private key. Nothing of it is kept: who needs it again adds the phone again
 */
import { createEnrolment, createLeave, readEnrolment } from '../agent/enrol.ts';
import { mergePeerList } from '../agent/merge.ts';
import { encodeUtf8 } from '../bytes.ts';
import { EMPTY_INTERFACE } from '../config/config.ts';
import { formatConfig } from '../config/format.ts';
import { UserError } from '../errors.ts';
import { knownCidr } from '../ip.ts';
import { formatKey, generatePrivateKey, type PrivateKey, type PublicKey } from '../keys.ts';
import { MAX_QR_BYTES, renderQrPng, renderQrSvg, renderQrTerminal } from '../registry/render/qr-code.ts';
import type { Enrolled } from '../registry/wire.ts';
import { toPeerConfig } from './managed-peers.ts';
import type { Ports } from './ports.ts';
import { callRegistry } from './registry-call.ts';
import { createToken, type TokenOptions } from './token.ts';

interface PhoneOptions extends TokenOptions {
  name: string;
  /** Undefined: on the terminal. */
  file: string | undefined;
}

export async function addPhone({ file, ...options }: PhoneOptions, ports: Ports): Promise<void> {
  const draw = pictureFor(file);
  const { registry, created } = await createToken(options, ports);
  const privateKey = generatePrivateKey(ports.random);
  const crypto = await ports.crypto();
  const publicKey = formatKey(crypto.publicKey(privateKey) as PublicKey); // 32 bytes by its contract
  const request = { name: options.name, publicKey };
  const answer = await callRegistry(ports, registry, createEnrolment(created.token, request));
  const enrolled = readEnrolment(answer, request);
  const text = configText(enrolled, privateKey);
  if (text === undefined || encodeUtf8(text).length > MAX_QR_BYTES) {
    await callRegistry(ports, registry, createLeave(enrolled.hostKey));
    throw new UserError(`"${options.name}" would have ${enrolled.peers.length} peers, more than a QR code can hold`, {
      remedy: 'Nothing was added. With tags and rules it sees fewer: peerage network rules',
    });
  }
  if (file === undefined) ports.terminal.stdout(draw(text) as string); // as pictureFor gives without a file
  else await ports.files.write(file, draw(text), { mode: 0o600 });
  const peers = enrolled.peers.map((peer) => peer.name).join(', ');
  ports.terminal.stderr(
    `"${options.name}" is in the network "${enrolled.network.name}". ${file === undefined ? 'Scan this' : `Scan ${file}`} with the WireGuard app: add a tunnel, scan from QR code.\n` +
      `It holds the private key, which is nowhere else: show it to nobody${file === undefined ? '' : ', and delete the file afterwards'}.\n` +
      `Peers: ${peers === '' ? 'nobody yet' : peers}. The app does not hear of later changes; then: peerage rm ${options.name}, and add it again.\n`,
  );
}

function pictureFor(file: string | undefined): (text: string) => string | Uint8Array {
  if (file === undefined) return renderQrTerminal;
  if (file.endsWith('.svg')) return renderQrSvg;
  if (file.endsWith('.png')) return renderQrPng;
  throw new UserError(`"${file}" ends neither in .svg nor in .png`, {
    remedy: 'Without a file the QR code is shown here.',
    exitCode: 2,
  });
}

/** Without a port: a phone is never called first. Undefined for peers that would draw the public Internet to them. */
function configText({ host, peers, version }: Enrolled, privateKey: PrivateKey): string | undefined {
  const set = mergePeerList({ version: -1, peers: [] }, { version, full: true, peers, removed: [] }, host.publicKey);
  if (set === undefined) return undefined;
  const addresses = host.addresses.map(knownCidr);
  return formatConfig({ interface: { ...EMPTY_INTERFACE, privateKey, addresses }, peers: set.peers.map(toPeerConfig) });
}
