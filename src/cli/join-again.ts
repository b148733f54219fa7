/**
 * A second `join` of a host that is in: nothing is made anew and no token used. The host shows its own key and says again what it is; what
 * of its files is lost comes back: the configuration from the registry, the private key from the running tunnel, or a new one.
 */
import { createEnrolment, readReEnrolment } from '../agent/enrol.ts';
import { isProblem, jsonRequest, refusal } from '../agent/exchange.ts';
import { parseConfigOrThrow } from '../config/parse.ts';
import { UserError } from '../errors.ts';
import { formatKey, generatePrivateKey, type PrivateKey, type PublicKey } from '../keys.ts';
import { configPath } from './config-file.ts';
import { writeExit } from './exit-choice.ts';
import { readFacts, type JoinFacts } from './join-facts.ts';
import { joinedFileText, keyFileText, readKeyFile } from './join-file.ts';
import { writeMembership, type Membership } from './membership.ts';
import type { Ports } from './ports.ts';
import { callRegistry } from './registry-call.ts';
import { describeTunnel } from './tunnel.ts';
import { tellWaiting } from './waiting-routes.ts';

/** Throws a UserError when the registry does not know this host any more, or refuses what is said of it. */
export async function enrolAgain(
  ports: Ports,
  name: string,
  known: Membership,
  options: JoinFacts,
): Promise<Membership> {
  const { terminal } = ports;
  if (options.name !== undefined && options.name !== known.host)
    throw new UserError(`"${name}" is "${known.host}" in the network "${known.network}" already`, {
      remedy: `Leave out --name; or leave first (peerage leave ${name}), and join with a new token.`,
    });
  terminal.stderr(`This host is "${known.host}" in the network "${known.network}" already; the token was not used.\n`);
  const lost = await recoverKey(ports, name);
  const membership = lost === undefined ? known : await expectSameKey(ports, name, known, lost);
  const { listenPort, ...facts } = readFacts(ports, { ...options, name: known.host });
  if (listenPort !== undefined && listenPort !== known.listenPort)
    terminal.stderr(
      `Warning: --listen-port: write it as ListenPort into ${configPath(name)}; the agent tells the registry.\n`,
    );
  const isHeard = await say(ports, name, membership, facts);
  if (facts.exit !== undefined && isHeard) await writeExit(ports, name, facts.exit);
  if (lost === undefined) return known;
  // As it was told last, which the tunnel may still be set to: its agent brings both up to date.
  await ports.files.write(configPath(name), joinedFileText(membership, lost), { mode: 0o600 });
  terminal.stderr(`${configPath(name)} was lost, and is there again.\n`);
  return membership;
}

/** The private key for a file that has to be written again; undefined for one that is there. Then it is in the file, alone. */
async function recoverKey(ports: Ports, name: string): Promise<PrivateKey | undefined> {
  const path = configPath(name);
  const text = (await ports.files.read(path)) ?? '';
  if (text.trim() !== '') {
    parseConfigOrThrow(text, { file: path });
    return readKeyFile(ports, name);
  }
  const isUp = (await ports.uapi.interfaces()).includes(name);
  const present = isUp ? (await describeTunnel(ports, name)).privateKey : undefined;
  const privateKey = present ?? generatePrivateKey(ports.random);
  await ports.files.write(path, keyFileText(privateKey), { mode: 0o600 });
  return privateKey;
}

/** A key pair that was lost is announced as a new one, by the host key: never by enrolling. */
async function expectSameKey(
  ports: Ports,
  name: string,
  known: Membership,
  privateKey: PrivateKey,
): Promise<Membership> {
  const crypto = await ports.crypto();
  const publicKey = formatKey(crypto.publicKey(privateKey) as PublicKey); // 32 bytes by its contract
  if (publicKey === known.publicKey) return known;
  const body = { publicKey, use: true };
  const request = jsonRequest({ method: 'POST', path: '/v1/rotate', credential: known.hostKey, body });
  const answer = await callRegistry(ports, known.registry, request);
  if (answer.status !== 200) throw refusal(answer, `take a new key of "${known.host}"`, newcomer(name));
  ports.terminal.stderr('Its private key was lost: the others are told of a new one.\n');
  const changed = { ...known, publicKey };
  await writeMembership(ports, name, changed);
  return changed;
}

/** Whether the registry has heard it. When it cannot be asked now, what is here has to do. */
async function say(
  ports: Ports,
  name: string,
  { registry, hostKey, publicKey, host }: Membership,
  facts: Omit<ReturnType<typeof readFacts>, 'listenPort'>,
): Promise<boolean> {
  const request = { ...facts, name: host, publicKey };
  const answer = await callRegistry(ports, registry, createEnrolment(hostKey, request)).catch(expectUserError);
  // The registry itself says no: that is not made good by going on.
  if ('status' in answer && answer.status >= 400 && answer.status < 500 && isProblem(answer))
    throw refusal(answer, `enrol "${host}" again`, newcomer(name));
  try {
    if ('remedy' in answer) throw answer;
    tellWaiting(ports, readReEnrolment(answer, request, hostKey).host);
    return true;
  } catch (error) {
    const { message } = expectUserError(error);
    ports.terminal.stderr(`Warning: ${message}; it goes on with what it was told last.\n`);
    return false;
  }
}

function expectUserError(error: unknown): UserError {
  if (error instanceof UserError) return error;
  throw error;
}

function newcomer(name: string): string {
  return `If the registry has forgotten this host: peerage leave --force ${name}, then join with a new token.`;
}
