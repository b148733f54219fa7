/**
 * What `wg show dump` prints, read as a report: wg(8), a line for each interface and peer, its fields between tabs.
 *
 * | fields | line |
 * |---|---|
 * | 9, 8 | a peer, of `wg show all dump` and of `wg show wg0 dump`: (interface), public key, preshared key, endpoint, allowed IPs, latest handshake, ... |
 * | 5, 4 | an interface, likewise: (interface), private key, public key, port, mark |
 * | 3 | a peer without what is nobody else's business: public key, endpoint, latest handshake, as `cut -f 1,3,5` leaves them |
 *
 * Invariant: no secret of a line gets any further than this file, and no error repeats a line.
 */
import { PublicKeyText, type Report } from '../wire.ts';
import { done, refuse, type Result } from './result.ts';

const NONE = '(none)';
const MAX_PEERS = 10_000;

export interface DumpReport {
  report: Report;
  /** It held a private key or a preshared key. */
  heldSecrets: boolean;
}

/** `publicKey`: of the host that reports; other interfaces may be in the dump. */
export function parseDump(text: string, publicKey: string): Result<DumpReport> {
  const observed: Report['observed'] = [];
  let listenPort: number | undefined;
  let heldSecrets = false;
  for (const [i, line] of text.split(/\r?\n/).entries()) {
    if (line === '') continue;
    const fields = line.split(/[\t ]+/);
    // With `all`, the interface comes first.
    const facts = fields.length === 9 || fields.length === 5 ? fields.slice(1) : fields;
    const parsed = facts.length === 4 ? parseInterface(facts) : parsePeer(facts);
    if (parsed === undefined)
      return refuse('invalid', `Line ${i + 1} is none that wg show dump prints. Nothing of the report was taken.`);
    heldSecrets ||= parsed.heldSecrets;
    if ('port' in parsed && parsed.publicKey === publicKey && parsed.port > 0) listenPort = parsed.port;
    if ('peer' in parsed && parsed.peer !== undefined) observed.push(parsed.peer);
    if (observed.length > MAX_PEERS) return refuse('invalid', `A report names ${MAX_PEERS} peers at most.`);
  }
  return done({ report: { observed, ...(listenPort !== undefined && { listenPort }) }, heldSecrets });
}

function parseInterface([privateKey, publicKey, portText = '']: string[]) {
  const port = /^[0-9]{1,5}$/.test(portText) ? Number(portText) : 65_536;
  if (port > 65_535 || !isKeyOrNone(privateKey) || !isKeyOrNone(publicKey)) return undefined;
  return { publicKey, port, heldSecrets: privateKey !== NONE };
}

/** `peer` is undefined for one that was seen nowhere yet. */
function parsePeer(facts: string[]) {
  if (facts.length !== 8 && facts.length !== 3) return undefined;
  const [publicKey = '', presharedKey, endpoint = '', , handshake = ''] =
    facts.length === 8 ? facts : [facts[0], NONE, facts[1], NONE, facts[2]];
  if (!PublicKeyText.safeParse(publicKey).success || !isKeyOrNone(presharedKey)) return undefined;
  if (!/^[0-9]{1,15}$/.test(handshake) || endpoint.length > 300) return undefined;
  const wasSeen = endpoint !== NONE && handshake !== '0';
  const peer = wasSeen ? { publicKey, endpoint, latestHandshake: Number(handshake) } : undefined;
  return { peer, heldSecrets: presharedKey !== NONE };
}

function isKeyOrNone(text: string | undefined): boolean {
  return text === NONE || /^[A-Za-z0-9+/]{43}=$/.test(text ?? '');
}
