/**
 * The agent of a joined interface: asks the registry, applies what changed, reports what it sees of the others. What to ask and
 * when is src/agent/'s; here its requests meet the network, the tunnel and the files.
 *
 * Nothing but a list of the registry ever takes a peer away. A failure of any step is told and tried again at the next look.
 */
import { afterRestart } from '../agent/apply.ts';
import { describeDifference } from '../agent/difference.ts';
import { isProblem } from '../agent/exchange.ts';
import { exitState, holdExit } from '../agent/held-exit.ts';
import { withoutOwnPeers } from '../agent/own-peers.ts';
import { Renewal } from '../agent/renewal.ts';
import { createReport, Reporter } from '../agent/report.ts';
import { Watch, type WatchEvent } from '../agent/watch.ts';
import { UserError } from '../errors.ts';
import { formatKey } from '../keys.ts';
import type { PeerView } from '../registry/wire.ts';
import type { TunnelState } from '../tunnel/state.ts';
import { expectNoOtherAgent, writeAgentStatus, type AgentStatus } from './agent-process.ts';
import { readExit } from './exit-choice.ts';
import { configPath, readConfigFileQuietly } from './config-file.ts';
import { KeyRotation } from './key-rotation.ts';
import { applyPeers, keysOf, ownPeers, rewritePeers } from './managed-peers.ts';
import { readMembership, writeMembership, type Membership } from './membership.ts';
import { NamedEndpoints } from './named-endpoints.ts';
import type { Ports } from './ports.ts';
import { callRegistry } from './registry-call.ts';
import { messageOf, RegistryWatch } from './registry-watch.ts';
import { describeTunnel } from './tunnel.ts';

/** How often the tunnel is looked at: a local question that nobody else hears of. */
const LOOK_MS = 3000;
/** How often the tunnel is compared with the list, for what something else changed or could not be done before. */
const REPAIR_MS = 60_000;

/** Runs until a signal comes, the interface is gone (both resolve), or the registry refuses the host (throws). */
export async function runAgent(ports: Ports, name: string): Promise<void> {
  const membership = await readMembership(ports, name);
  if (membership === undefined)
    throw new UserError(`"${name}" has not joined a network`, { remedy: 'peerage join HOST/TOKEN' });
  await expectNoOtherAgent(ports, name);
  const agent = new Agent(ports, name, membership, await readExit(ports, name));
  await agent.run();
}

class Agent {
  readonly #ports: Ports;
  readonly #name: string;
  readonly #stop = new AbortController();
  readonly #watch: Watch;
  readonly #reporter = new Reporter();
  readonly #names: NamedEndpoints;
  readonly #renewal: Renewal;
  readonly #rotation: KeyRotation;
  #membership: Membership;
  /** What the tunnel was last set to; endpoints may lag behind the list. */
  #applied: readonly PeerView[];
  #status: AgentStatus;
  #exit: ReturnType<typeof exitState> = 'none';
  #nextRepair = 0;
  #failure: UserError | undefined;

  constructor(ports: Ports, name: string, membership: Membership, exit: string | undefined) {
    this.#ports = ports;
    this.#name = name;
    this.#names = new NamedEndpoints(ports, { name, path: configPath(name) });
    this.#rotation = new KeyRotation(ports, name);
    this.#membership = membership;
    this.#applied = afterRestart(membership.peers);
    this.#status = { pid: ports.processes.pid, state: 'starting' };
    const { hostKey, expiresAt } = membership;
    this.#renewal = new Renewal({
      hostKey,
      expiresAt: typeof expiresAt === 'string' ? Date.parse(expiresAt) : expiresAt,
      now: ports.clock.wall(),
    });
    this.#watch = new Watch({
      hostKey: membership.hostKey,
      ownPublicKey: membership.publicKey,
      present: { version: membership.version, peers: membership.peers },
      exit,
      random: ports.random,
      now: ports.clock.monotonic(),
    });
  }

  async run(): Promise<void> {
    const { clock, services, processes } = this.#ports;
    const { signal } = this.#stop;
    void processes.interrupted().then(() => this.#stop.abort());
    await this.#tell({ pid: processes.pid, state: 'starting' });
    this.#say(`watching ${this.#membership.registry}`);
    const { registry: url } = this.#membership;
    const registry = new RegistryWatch(this.#ports, {
      registry: url,
      watch: this.#watch,
      signal,
      onAnswer: (answer) => {
        if (isProblem(answer, 'host-expired')) this.#renewal.handleExpired(clock.wall());
      },
    });
    let next: Promise<{ event: WatchEvent | undefined }> | undefined;
    let nextLook = clock.monotonic();
    // One thing at a time, so that no two of them change the tunnel at once.
    while (!signal.aborted) {
      registry.act();
      next ??= registry.next().then((event) => ({ event }));
      const wakeAt = Math.min(nextLook, this.#watch.nextTimeout());
      const pause = services.sleep(Math.max(0, wakeAt - clock.monotonic()), signal);
      const heard = await Promise.race([next, pause.then(() => undefined)]);
      if (signal.aborted) break;
      if (heard !== undefined) {
        next = undefined;
        if (heard.event !== undefined) await this.#handle(heard.event);
      }
      if (clock.monotonic() >= nextLook) {
        await this.#look();
        nextLook = clock.monotonic() + LOOK_MS;
      }
    }
    this.#say('ended');
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #handle(event: WatchEvent): Promise<void> {
    const { pid } = this.#status;
    if (event.type === 'unavailable') {
      if (this.#status.state !== 'unavailable')
        this.#say(`the registry is not available: ${event.reason}; the peers stay as they are`);
      await this.#tell({ ...this.#status, state: 'unavailable', reason: event.reason });
    } else if (event.type === 'refused') {
      this.#failure = new UserError(`the registry does not know this host any more: ${event.reason}`, {
        remedy: `The tunnel stays as it is. To join anew: peerage leave --force ${this.#name}, then peerage join`,
      });
      await this.#tell({ ...this.#status, state: 'refused', reason: event.reason });
      this.#stop.abort();
    } else {
      if (this.#status.state === 'unavailable') this.#say('the registry is back');
      const lastAnswer = new Date(this.#ports.clock.wall()).toISOString();
      await this.#tell({ pid, state: 'current', lastAnswer, notes: this.#status.notes ?? [] });
      if (event.type === 'changed') await this.#repair();
    }
  }

  async #look(): Promise<void> {
    if (!(await this.#ports.uapi.interfaces()).includes(this.#name)) {
      this.#say('the interface is gone');
      this.#stop.abort();
      return;
    }
    const isRotating = this.#membership.peers.some((peer) => peer.nextPublicKey !== undefined);
    const hasNewExit = this.#watch.chooseExit(await readExit(this.#ports, this.#name));
    if (hasNewExit || isRotating || this.#ports.clock.monotonic() >= this.#nextRepair) await this.#repair();
    try {
      await this.#renew();
      await this.#rotate();
      const state = await describeTunnel(this.#ports, this.#name);
      for (const change of await this.#names.look(state)) this.#say(change);
      await this.#report(state);
    } catch (error) {
      // Nothing is lost: it was not marked as told, and the next look tries again.
      if (!(error instanceof UserError)) throw error;
    }
  }

  /** Brings tunnel, routes and file to the list of the registry, but for what this host has of its own. */
  async #repair(): Promise<void> {
    this.#nextRepair = this.#ports.clock.monotonic() + REPAIR_MS;
    const before = this.#membership.peers;
    const { version, peers: listed } = this.#watch.present;
    try {
      const file = await readConfigFileQuietly(this.#ports, this.#name);
      const tunnel = await describeTunnel(this.#ports, this.#name);
      const managed = new Set(this.#membership.managed ?? keysOf(before));
      const own = ownPeers(file, tunnel, managed);
      const { peers, notes } = withoutOwnPeers(listed, own, this.#membership.addresses);
      const after = holdExit(peers, before, own, this.#watch.exit);
      await this.#note(notes, exitState(after, this.#watch.exit));
      const keys = keysOf(after);
      if (keys.some((key) => !managed.has(key))) {
        for (const key of keys) managed.add(key);
        // First: one that was put there by a process which then ended would be taken for the administrator's own.
        await this.#remember({ managed: [...managed] });
      }
      this.#applied = await applyPeers(this.#ports, { file, tunnel, own, managed }, this.#applied, after);
      if (version === this.#membership.version && JSON.stringify(after) === JSON.stringify(before)) return;
      const text = rewritePeers(file.text, file.path, managed, after);
      if (text !== file.text) await this.#ports.files.write(file.path, text, { mode: 0o600 });
      await this.#remember({ version, peers: [...after], managed: keys });
      const difference = describeDifference(before, after);
      if (difference !== '') this.#say(difference);
    } catch (error) {
      if (!(error instanceof UserError)) throw error;
      this.#say(`${error.message}; trying again in ${REPAIR_MS / 1000} seconds`);
    }
  }

  /** Says once what is not followed. */
  async #note(notes: readonly string[], exit: ReturnType<typeof exitState>): Promise<void> {
    if (exit === 'gone' && this.#exit !== 'gone')
      this.#say(
        `the exit "${this.#watch.exit}" is gone: what is for the rest of the world is dropped, until \`peerage exit none\` or another exit`,
      );
    if (exit === 'in use' && this.#exit === 'gone') this.#say(`the exit "${this.#watch.exit}" is there`);
    this.#exit = exit;
    const known = this.#status.notes ?? [];
    if (JSON.stringify(notes) === JSON.stringify(known)) return;
    for (const note of notes) if (!known.includes(note)) this.#say(note);
    await this.#tell({ ...this.#status, notes });
  }

  /** Stays for longer, when half of its time is over. */
  async #renew(): Promise<void> {
    const { clock } = this.#ports;
    const request = this.#renewal.poll(clock.wall());
    if (request === undefined) return;
    const event = await callRegistry(this.#ports, this.#membership.registry, request, this.#stop.signal).then(
      (answer) => this.#renewal.handleAnswer(answer, clock.wall()),
      (error: unknown) => this.#renewal.handleFailure(messageOf(error), clock.wall()),
    );
    if (event.type === 'failed') return this.#say(`not renewed: ${event.reason}`);
    if (!event.isNew) return;
    const expiresAt = event.expiresAt === null ? null : new Date(event.expiresAt).toISOString();
    await this.#remember({ expiresAt });
    if (expiresAt !== null) this.#say(`renewed until ${expiresAt}`);
  }

  /** The next step to a new key pair, when somebody wishes for one. */
  async #rotate(): Promise<void> {
    const done = await this.#rotation.look(this.#membership, this.#stop.signal);
    if (done?.publicKey !== undefined) {
      await this.#remember({ publicKey: done.publicKey });
      await this.#rotation.forget();
    }
    if (done !== undefined) this.#say(done.said);
  }

  async #remember(facts: Partial<Membership>): Promise<void> {
    this.#membership = { ...this.#membership, ...facts };
    await writeMembership(this.#ports, this.#name, this.#membership);
  }

  async #report(state: TunnelState): Promise<void> {
    const peers = state.peers.map((peer) => ({
      publicKey: formatKey(peer.publicKey),
      endpoint: peer.endpoint?.toString(),
      latestHandshakeMs: peer.latestHandshakeMs,
    }));
    const report = this.#reporter.compose(
      { listenPort: state.listenPort, peers },
      this.#membership.peers,
      this.#ports.clock.wall(),
    );
    if (report === undefined || this.#status.state !== 'current') return;
    const request = createReport(this.#membership.hostKey, report);
    const answer = await callRegistry(this.#ports, this.#membership.registry, request, this.#stop.signal);
    if (answer.status >= 200 && answer.status < 300) this.#reporter.accepted(report);
  }

  async #tell(status: AgentStatus): Promise<void> {
    this.#status = status;
    await writeAgentStatus(this.#ports, this.#name, status);
  }

  #say(text: string): void {
    const { terminal, clock } = this.#ports;
    terminal.stderr(`${new Date(clock.wall()).toISOString()} ${this.#name}: ${text}\n`);
  }
}
