/**
 * Joining a network, step by step. The private key is made here and stays here: only the public key is sent.
 *
 * 1. the key, written into the interface's file before anything is sent, so that it cannot be lost afterwards
 * 2. enrolment, which gives addresses, peers and the host key
 * 3. all of the answer into a file of its own, then the addresses and peers into the interface's file: a crash between is
 *    made good by the next `join`
 * 4. the interface
 * 5. the agent that keeps the peers current
 */
import { createEnrolment, isCleartext, parseJoinLink, readEnrolment } from '../agent/enrol.ts';
import { isProblem, type RegistryAnswer } from '../agent/exchange.ts';
import { isDeadEnd } from '../agent/held-exit.ts';
import { UserError } from '../errors.ts';
import { formatKey, generatePrivateKey, type PrivateKey, type PublicKey } from '../keys.ts';
import type { EnrolRequest } from '../registry/wire.ts';
import { startAgent } from './agent-process.ts';
import { configPath, expectInterfaceName, readConfigFile } from './config-file.ts';
import { writeExit } from './exit-choice.ts';
import { guardFirewall } from './firewall/guard.ts';
import { bringUp, expectRoot, interfaceExists } from './interface-up.ts';
import { enrolAgain } from './join-again.ts';
import { readFacts, type JoinFacts } from './join-facts.ts';
import { joinedFileText, keyFileText, readKeyFile, toMembership } from './join-file.ts';
import { expectRoom, readMembership, writeMembership, type Membership } from './membership.ts';
import type { Ports } from './ports.ts';
import { withProgress } from './progress.ts';
import { callRegistry } from './registry-call.ts';
import { tellWaiting } from './waiting-routes.ts';

export interface JoinOptions extends JoinFacts {
  interface: string;
  openFirewall?: true;
  foreground?: true;
  json?: true;
}

export async function joinNetwork(ports: Ports, link: string, options: JoinOptions): Promise<void> {
  expectRoot(ports, 'join');
  const name = options.interface;
  expectInterfaceName(name);
  const { registry, token } = parseJoinLink(link);
  const known = await readMembership(ports, name);
  if (known !== undefined) expectSameRegistry(name, known, registry);
  const membership = await (known === undefined
    ? enrolAnew(ports, { name, registry, token }, options)
    : enrolAgain(ports, name, known, options));
  if (await interfaceExists(ports, name)) return announce(ports, name, membership, options);

  const file = await readConfigFile(ports, name);
  try {
    await bringUp(ports, file, { unresolved: 'warn' });
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    throw new UserError(error.message, {
      remedy: `This host is enrolled; only the interface is missing. Then: peerage up ${name}`,
      cause: error,
    });
  }
  try {
    await guardFirewall(ports, file, options);
  } catch (error) {
    // The host is in, and reaches the others; whether they reach it is for the person to mend.
    if (!(error instanceof UserError)) throw error;
    ports.terminal.stderr(`Warning: the firewall was not opened: ${error.message}\n`);
  }
  await announce(ports, name, membership, options);
}

/** Both ways end here: the agent runs, and the person knows what is there. */
async function announce(ports: Ports, name: string, membership: Membership, options: JoinOptions): Promise<void> {
  if (options.foreground !== true) await startAgent(ports, name);
  const { host, network, registry, addresses } = membership;
  const peers = membership.peers.filter((peer) => !isDeadEnd(peer));
  if (options.json === true) {
    const facts = { interface: name, host, network, registry, addresses, peers: peers.map((peer) => peer.name) };
    ports.terminal.stdout(`${JSON.stringify(facts, undefined, 2)}\n`);
  } else {
    const who = peers.length === 0 ? 'nobody else is there yet' : peers.map((peer) => peer.name).join(', ');
    ports.terminal.stdout(`${name} is up: ${addresses.join(', ')}\nPeers: ${who}\n`);
    ports.terminal.stderr(`See them with: peerage status\n`);
  }
  if (options.foreground !== true) return;
  const { runAgent } = await import('./run-agent.ts');
  await runAgent(ports, name);
}

function expectSameRegistry(name: string, known: Membership, registry: string): void {
  if (known.registry === registry) return;
  throw new UserError(`"${name}" has joined another network already: "${known.network}" at ${known.registry}`, {
    remedy: `Choose another interface (--interface wg1), or leave that network first: peerage leave ${name}`,
  });
}

/** What an earlier, interrupted `join` left is taken up again; a person's own file is not. */
async function expectFree(ports: Ports, name: string): Promise<void> {
  if (await interfaceExists(ports, name))
    throw new UserError(`\`${name}' already exists`, { remedy: 'Choose another name: --interface wg1' });
  const path = configPath(name);
  if ((await ports.files.mode(path)) === undefined || (await readKeyFile(ports, name)) !== undefined) return;
  throw new UserError(`${path} exists and was not written by \`peerage join\``, {
    remedy: 'Choose another name (--interface wg1), or move the file away.',
  });
}

/** The key that an earlier `join` left, or a new one; it is in the file when this resolves. */
async function ensurePrivateKey(ports: Ports, name: string): Promise<{ privateKey: PrivateKey; isNew: boolean }> {
  const present = await readKeyFile(ports, name);
  if (present !== undefined) return { privateKey: present, isNew: false };
  const privateKey = generatePrivateKey(ports.random);
  await ports.files.write(configPath(name), keyFileText(privateKey), { mode: 0o600 });
  return { privateKey, isNew: true };
}

/** Resolves once what the registry answered is in a file. */
async function enrolAnew(
  ports: Ports,
  { name, registry, token }: { name: string; registry: string; token: string | undefined },
  options: JoinOptions,
): Promise<Membership> {
  await expectFree(ports, name);
  const facts = readFacts(ports, options);
  const secret = token ?? (await readToken(ports));
  if (isCleartext(registry))
    ports.terminal.stderr(
      `Warning: ${registry} is not encrypted: whoever sees the traffic can use the token and the host key.\n`,
    );
  await expectRoom(ports, name);
  const { privateKey, isNew } = await ensurePrivateKey(ports, name);
  const crypto = await ports.crypto();
  const publicKey = formatKey(crypto.publicKey(privateKey) as PublicKey); // 32 bytes by its contract
  const request: EnrolRequest = { ...facts, publicKey };
  const enrol = () => callRegistry(ports, registry, createEnrolment(secret, request));
  const answer = await withProgress(ports, () => `Waiting for ${registry}`, enrol);
  try {
    const enrolled = readEnrolment(answer, request);
    const membership = toMembership(registry, enrolled, request.exit);
    await writeExit(ports, name, request.exit);
    await writeMembership(ports, name, membership);
    await ports.files.write(configPath(name), joinedFileText(membership, privateKey), { mode: 0o600 });
    ports.terminal.stderr(`Enrolled as "${membership.host}" in the network "${membership.network}".\n`);
    tellWaiting(ports, enrolled.host);
    return membership;
  } catch (error) {
    // Without a clear answer the enrolment may still have happened: the key is kept for then.
    if (answer.status < 300 || answer.status >= 500) throw error;
    if (isNew) await ports.files.remove(configPath(name));
    throw isNew || !mayBeIn(answer) ? error : explainLostAnswer(error, facts.name);
  }
}

/** Whether the registry refuses because the token is used, or the name or the key is in, which this very host may have done. */
function mayBeIn(answer: RegistryAnswer): boolean {
  return answer.status === 401 || isProblem(answer, 'name-taken') || isProblem(answer, 'key-in-use');
}

/** An earlier try may have got in, and its answer lost on the way: then the token is used, and name and key are taken. */
function explainLostAnswer(error: unknown, host: string): unknown {
  if (!(error instanceof UserError)) return error;
  return new UserError(error.message, {
    remedy: `An earlier try may have enrolled this host without its knowing. Have it removed (peerage rm ${host}), and take a new token.`,
    cause: error,
  });
}

/** From the environment, a person, or a pipe: none of these shows it to other users as an argument would. */
async function readToken(ports: Ports): Promise<string> {
  const token =
    ports.processes.env['PEERAGE_TOKEN'] ??
    (await ports.terminal.ask('Enrolment token: ')) ??
    (await ports.terminal.stdin());
  if (/^pgt_[A-Za-z0-9_-]+$/.test(token.trim())) return token.trim();
  throw new UserError('There is no enrolment token.', {
    remedy: 'Ask the administrator for one (`peerage token`), and give it with the address: vpn.example.net/pgt_...',
    exitCode: 2,
  });
}
