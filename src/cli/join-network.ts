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
import { mergePeerList } from '../agent/merge.ts';
import { EMPTY_INTERFACE, parseEndpoint, type Config } from '../config/config.ts';
import { formatConfig } from '../config/format.ts';
import { parseConfigOrThrow } from '../config/parse.ts';
import { UserError } from '../errors.ts';
import { parseCidr } from '../ip.ts';
import { formatKey, generatePrivateKey, type PrivateKey, type PublicKey } from '../keys.ts';
import { HostName, type Enrolled, type EnrolRequest } from '../registry/wire.ts';
import { startAgent } from './agent-process.ts';
import { configPath, expectInterfaceName, readConfigFile } from './config-file.ts';
import { writeExit } from './exit-choice.ts';
import { guardFirewall } from './firewall/guard.ts';
import { bringUp, expectRoot, interfaceExists } from './interface-up.ts';
import { toPeerConfig } from './managed-peers.ts';
import { readMembership, writeMembership, type Membership } from './membership.ts';
import type { Ports } from './ports.ts';
import { callRegistry } from './registry-call.ts';

export interface JoinOptions {
  name?: string;
  interface: string;
  endpoint?: string;
  listenPort?: number;
  routes?: string;
  exit?: string;
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
  const keyOfKnown = known && (await readKeyFile(ports, name));
  if (known !== undefined && keyOfKnown === undefined) return sayJoined(ports, name, known, options);

  const membership = known ?? (await enrolAnew(ports, { name, registry, token }, options));
  const privateKey = keyOfKnown ?? (await ensurePrivateKey(ports, name)).privateKey;
  await ports.files.write(configPath(name), fileText(membership, privateKey), { mode: 0o600 });
  ports.terminal.stderr(`Enrolled as "${membership.host}" in the network "${membership.network}".\n`);

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
  const { host, network, registry, addresses, peers } = membership;
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

async function sayJoined(ports: Ports, name: string, known: Membership, options: JoinOptions): Promise<void> {
  ports.terminal.stderr(
    `This host is "${known.host}" in the network "${known.network}" already; the token was not used.\n`,
  );
  if (await interfaceExists(ports, name)) return announce(ports, name, known, options);
  ports.terminal.stderr(`The interface is down. To bring it up: peerage up ${name}\n`);
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

/** The private key of the interface's file, if it holds nothing else. */
async function readKeyFile(ports: Ports, name: string): Promise<PrivateKey | undefined> {
  const path = configPath(name);
  const text = (await ports.files.read(path)) ?? '';
  const { privateKey } = parseConfigOrThrow(text, { file: path }).interface;
  return privateKey !== undefined && text === keyFileText(privateKey) ? privateKey : undefined;
}

function keyFileText(privateKey: PrivateKey): string {
  return formatConfig({ interface: { ...EMPTY_INTERFACE, privateKey }, peers: [] });
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
  const { privateKey, isNew } = await ensurePrivateKey(ports, name);
  const crypto = await ports.crypto();
  const publicKey = formatKey(crypto.publicKey(privateKey) as PublicKey); // 32 bytes by its contract
  const request: EnrolRequest = { ...facts, publicKey };
  const answer = await callRegistry(ports, registry, createEnrolment(secret, request));
  try {
    const membership = toMembership(registry, readEnrolment(answer, request), request.exit);
    await writeExit(ports, name, request.exit);
    await writeMembership(ports, name, membership);
    return membership;
  } catch (error) {
    // Without a clear answer the enrolment may still have happened: the key is kept for then.
    if (answer.status < 300 || answer.status >= 500) throw error;
    if (isNew) await ports.files.remove(configPath(name));
    throw isNew ? error : explainLostAnswer(error, facts.name);
  }
}

/** An earlier try may have got in, and its answer lost on the way: then the token is used, and name and key are taken. */
function explainLostAnswer(error: unknown, host: string): unknown {
  if (!(error instanceof UserError)) return error;
  return new UserError(error.message, {
    remedy: `An earlier try may have enrolled this host without its knowing. Have it removed (peerage rm ${host}), and take a new token.`,
    cause: error,
  });
}

function toMembership(
  registry: string,
  { network, host, hostKey, version, peers }: Enrolled,
  exit: string | undefined,
): Membership {
  const nobody = { version: -1, peers: [] };
  const set = mergePeerList(nobody, { version, full: true, peers, removed: [] }, host.publicKey, exit);
  if (set === undefined)
    throw new UserError('The peers that the registry sent would draw the public Internet to them.', {
      remedy: 'Do not use what it sent; tell its administrator.',
    });
  return {
    registry,
    network: network.name,
    host: host.name,
    publicKey: host.publicKey,
    hostKey,
    addresses: host.addresses,
    listenPort: host.listenPort,
    expiresAt: host.expiresAt ?? null,
    version,
    peers: [...set.peers],
  };
}

/** The interface's file. Only out of a membership: what the registry said is checked on its way there. */
function fileText({ host, network, registry, ...membership }: Membership, privateKey: PrivateKey): string {
  const { listenPort } = membership;
  const addresses = membership.addresses.map(parseCidr).filter((address) => address !== undefined);
  const config: Config = {
    interface: { ...EMPTY_INTERFACE, privateKey, addresses, listenPort },
    peers: membership.peers.map(toPeerConfig),
  };
  const title = `${host} in the network ${network}, enrolled at ${registry}`;
  // Below a comment that ends too early, lines would be commands (PreUp), run as root.
  if (/[\r\n]/.test(title)) throw new TypeError('a name of the registry holds a line break');
  return `# ${title}
# The [Peer] sections of its hosts are kept current by \`peerage agent\`; everything else is yours to change.

${formatConfig(config)}`;
}

function readFacts(ports: Ports, options: JoinOptions): Omit<EnrolRequest, 'publicKey'> {
  const name = options.name ?? ports.processes.hostname.split('.', 1)[0]?.toLowerCase() ?? '';
  if (!HostName.safeParse(name).success)
    throw new UserError(`"${name}" cannot be the name of a host`, {
      remedy: 'Say another one with --name: letters, digits and hyphens, at most 63.',
      exitCode: 2,
    });
  const { listenPort } = options;
  const routes = (options.routes ?? '').split(',').flatMap((text) => text.trim() || []);
  const wrong = routes.find((route) => !route.includes('/') || parseCidr(route) === undefined);
  if (wrong !== undefined)
    throw new UserError(`--routes: "${wrong}" is no network`, { remedy: 'For example 172.27.88.0/24', exitCode: 2 });
  return {
    name,
    ...(options.endpoint === undefined ? {} : { endpoint: readEndpoint(options.endpoint, listenPort) }),
    ...(listenPort === undefined ? {} : { listenPort }),
    ...(routes.length === 0 ? {} : { routes }),
    ...(options.exit === undefined ? {} : { exit: options.exit }),
  };
}

function readEndpoint(text: string, listenPort: number | undefined): string {
  const whole = parseEndpoint(text) === undefined && listenPort !== undefined ? `${text}:${listenPort}` : text;
  if (parseEndpoint(whole) !== undefined) return whole;
  throw new UserError(`--endpoint: "${text}" is no endpoint`, {
    remedy: 'It is host:port or [IPv6 address]:port, for example dolores.example.net:55867',
    exitCode: 2,
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
