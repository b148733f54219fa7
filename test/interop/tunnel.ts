/**
 * A tunnel on a host of the lab: a daemon of some implementation, its interface, and what wg(8) tells it to be.
 */
import type { Implementation } from './implementation.ts';
import type { Host } from './lab/host.ts';
import type { RunningProcess, Signal } from './lab/process.ts';

/** A busy machine takes seconds to start one of many daemons at a time. */
const START_TIMEOUT_MS = 300_000;

export interface TunnelOptions {
  /** Name of the interface, `wg0` unless told. */
  interface?: string;
  /** The host that gets the interface, while the daemon stays where it is. */
  moveTo?: Host;
  /** With prefix lengths; they become routes, too. */
  addresses: readonly string[];
  /** A fresh one, unless told. */
  privateKey?: string;
  listenPort?: number;
  mtu?: number;
  /** More of the daemon's arguments and environment. */
  args?: readonly string[];
  env?: Readonly<Record<string, string>>;
}

export interface PeerSettings {
  allowedIps: readonly string[];
  /** `address:port`, an IPv6 address in brackets. */
  endpoint?: string;
  presharedKey?: string;
  persistentKeepalive?: number;
}

/** A line of `wg show INTERFACE dump`. */
export interface PeerStatus {
  publicKey: string;
  endpoint: string;
  allowedIps: string;
  /** Seconds since 1970; 0 for never. */
  latestHandshake: number;
  rxBytes: number;
  txBytes: number;
}

export class Tunnel {
  readonly host: Host;
  readonly implementation: Implementation;
  readonly options: Readonly<TunnelOptions>;
  readonly privateKey: string;
  readonly publicKey: string;
  readonly interface: string;
  /** The host that has the interface: the daemon's own, unless it was moved. */
  readonly inside: Host;
  readonly #peers = new Map<string, PeerSettings>();
  #daemon: RunningProcess | undefined;

  private constructor(
    host: Host,
    implementation: Implementation,
    options: TunnelOptions,
    keys: { privateKey: string; publicKey: string },
  ) {
    this.host = host;
    this.implementation = implementation;
    this.options = options;
    this.interface = options.interface ?? 'wg0';
    this.inside = options.moveTo ?? host;
    this.privateKey = keys.privateKey;
    this.publicKey = keys.publicKey;
  }

  /** A tunnel without peers, up. */
  static async open(host: Host, implementation: Implementation, options: TunnelOptions): Promise<Tunnel> {
    const privateKey = options.privateKey ?? (await host.output('wg', ['genkey'])).trim();
    const publicKey = (await host.output('wg', ['pubkey'], { input: privateKey })).trim();
    const tunnel = new Tunnel(host, implementation, options, { privateKey, publicKey });
    await tunnel.start();
    return tunnel;
  }

  get daemon(): RunningProcess {
    if (this.#daemon === undefined) throw new Error(`no daemon runs on ${this.host.name}`);
    return this.#daemon;
  }

  /** Starts the daemon, and gives it what it had when it was stopped. */
  async start(): Promise<void> {
    const { program } = this.implementation;
    const { args, env } = this.options;
    this.#daemon = await startDaemon(this.host, this.implementation, this.interface, { args, env });
    await this.#configure('setconf');
    if (this.inside !== this.host) await this.host.moveInterface(this.interface, this.inside);
    await this.inside.ip(
      ...this.options.addresses.map((address) => `address add ${address} dev ${this.interface}`),
      `link set ${this.interface} mtu ${this.options.mtu ?? 1420} up`,
    );
    // Daemons notice asynchronously that the interface is up. What comes before is lost and tried again after 5 seconds.
    const { listenPort } = this.options;
    if (listenPort !== undefined)
      await this.host.waitFor(`${program} listens on port ${listenPort}`, () => this.#isListening(listenPort));
  }

  async stop(signal: Signal = 'SIGTERM'): Promise<void> {
    await this.daemon.stop(signal);
    this.#daemon = undefined;
  }

  async setPeer(peer: { publicKey: string }, settings: PeerSettings): Promise<void> {
    await this.setPeers([[peer.publicKey, settings]]);
  }

  async setPeers(peers: Iterable<readonly [publicKey: string, settings: PeerSettings]>): Promise<void> {
    if (this.implementation.cannotChangePeers)
      for (const publicKey of this.#peers.keys())
        await this.host.output('wg', ['set', this.interface, 'peer', publicKey, 'remove']);
    for (const [publicKey, settings] of peers) this.#peers.set(publicKey, settings);
    await this.#configure('syncconf');
  }

  /** Where to reach a peer from now on. */
  async setEndpoint({ publicKey }: { publicKey: string }, endpoint: string): Promise<void> {
    const set = async (...settings: string[]): Promise<void> => {
      await this.host.output('wg', ['set', this.interface, 'peer', publicKey, ...settings]);
    };
    if (!this.implementation.cannotChangePeers) return set('endpoint', endpoint);
    await set('remove');
    const allowedIps = this.#peers.get(publicKey)?.allowedIps ?? [];
    await set('endpoint', endpoint, 'allowed-ips', allowedIps.join());
  }

  /** One of `wg show`'s views of the peer. */
  async peer({ publicKey }: { publicKey: string }): Promise<PeerStatus> {
    const dump = await this.host.output('wg', ['show', this.interface, 'dump']);
    const fields = dump
      .split('\n')
      .slice(1)
      .find((line) => line.startsWith(publicKey))
      ?.split('\t');
    if (fields === undefined) throw new Error(`no peer ${publicKey} on ${this.host.name}:\n${dump}`);
    const [, , endpoint, allowedIps, latestHandshake, rxBytes, txBytes] = fields;
    return {
      publicKey,
      endpoint: endpoint!,
      allowedIps: allowedIps!,
      latestHandshake: Number(latestHandshake),
      rxBytes: Number(rxBytes),
      txBytes: Number(txBytes),
    };
  }

  async #isListening(port: number): Promise<boolean> {
    return (await this.host.output('ss', ['-Hlnu', `sport = :${port}`])) !== '';
  }

  async #configure(command: 'setconf' | 'syncconf'): Promise<void> {
    const { listenPort } = this.options;
    const lines = ['[Interface]', `PrivateKey = ${this.privateKey}`];
    if (listenPort !== undefined) lines.push(`ListenPort = ${listenPort}`);
    for (const [publicKey, settings] of this.#peers) lines.push('[Peer]', ...peerLines(publicKey, settings));
    // cat(1) makes a pipe of what Node hands over as a socket, which cannot be opened as /dev/stdin.
    const { exitCode, stderr } = await this.host.run(
      'sh',
      ['-c', 'cat | wg "$1" "$2" /dev/stdin', 'sh', command, this.interface],
      { input: `${lines.join('\n')}\n` },
    );
    if (exitCode === 0) return;
    const { hasExited, stdout: said, stderr: complained } = this.daemon;
    throw new Error(`wg ${command}: ${stderr}${hasExited ? 'The daemon has ended: ' : ''}${said}${complained}`);
  }
}

/** Runs a daemon until it can be configured, or has ended. */
export async function startDaemon(
  host: Host,
  { program, env, wrapper = [] }: Implementation,
  name: string,
  options: { args?: readonly string[] | undefined; env?: Readonly<Record<string, string>> | undefined } = {},
): Promise<RunningProcess> {
  await host.output('rm', ['-f', `/run/wireguard/${name}.sock`]); // of a killed wireguard-go
  const [first, ...rest] = [...wrapper, program];
  const args = [...rest, '-f', ...(options.args ?? []), name];
  const daemon = await host.spawn(first, args, { env: { ...env, ...options.env } });
  await host.waitFor(
    `${program} answers`,
    async () => {
      if (daemon.hasExited) return 'ended';
      // wg deletes sockets that do not listen yet, which ends a wireguard-go that is just starting.
      // (Ours is bound under another name, to which this one is the beginning.)
      if (!(await host.output('ss', ['-Hlx'])).includes(`/${name}.sock`)) return undefined;
      return (await host.run('wg', ['show', name])).exitCode === 0 ? 'answers' : undefined;
    },
    { explain: () => `${daemon.stdout}${daemon.stderr}`, timeoutMs: START_TIMEOUT_MS },
  );
  return daemon;
}

function peerLines(publicKey: string, settings: PeerSettings): string[] {
  const { allowedIps, endpoint, presharedKey, persistentKeepalive } = settings;
  return [
    `PublicKey = ${publicKey}`,
    `AllowedIPs = ${allowedIps.join(', ')}`,
    ...(endpoint === undefined ? [] : [`Endpoint = ${endpoint}`]),
    ...(presharedKey === undefined ? [] : [`PresharedKey = ${presharedKey}`]),
    ...(persistentKeepalive === undefined ? [] : [`PersistentKeepalive = ${persistentKeepalive}`]),
  ];
}
