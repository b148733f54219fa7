/**
 * A lab of hosts in anonymous network namespaces, wired by switches.
 *
 * Nothing in it has a name on this machine: there is no entry in /run/netns, no interface and no file that could be
 * left behind. All of it lives exactly as long as the object (see init.ts), and works as root or, where the kernel
 * lets it, in a user namespace.
 */
import { execFile } from 'node:child_process';
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Host } from './host.ts';
import { HOST_INIT, LAB_INIT } from './init.ts';
import { Namespace } from './namespace.ts';
import { USER_NAMESPACE, whyNoLab } from './requirements.ts';

const CHECKOUT = resolve(dirname(fileURLToPath(import.meta.url)), '../../..');

const execute = promisify(execFile);

/** A switch: all that are connected to it hear each other. */
export interface Switch {
  readonly bridge: string;
  readonly mtu: number;
}

export interface Connection {
  /** Name of the interface on the host. */
  interface?: string;
  /** With prefix lengths, e.g. `192.0.2.14/24`. */
  addresses: readonly string[];
  /** In the words of `ip route add`, e.g. `default via 192.0.2.1`. */
  routes?: readonly string[];
}

export class Lab implements AsyncDisposable {
  readonly #outer: Namespace;
  readonly #hosts: Namespace[] = [];
  #interfaces = 0;

  private constructor(outer: Namespace) {
    this.#outer = outer;
  }

  static async open(): Promise<Lab> {
    const reason = whyNoLab();
    if (reason !== undefined) throw new Error(`no lab: ${reason}`);
    const kinds = ['--net', '--mount', '--pid', '--fork', '--kill-child'];
    return new Lab(await Namespace.open(['unshare', ...USER_NAMESPACE, ...kinds, 'sh', '-c', LAB_INIT]));
  }

  async host(name: string): Promise<Host> {
    const kinds = ['--net', '--mount', '--uts', '--pid', '--fork', '--kill-child'];
    const init = ['sh', '-c', HOST_INIT, 'sh', name, CHECKOUT, process.execPath];
    const namespace = await Namespace.open([...this.#outer.enter('pid'), 'unshare', ...kinds, ...init]);
    this.#hosts.push(namespace);
    return new Host(name, namespace);
  }

  /** A switch without hosts. `mtu`: of its wires, in bytes. */
  async switch(options: { mtu?: number } = {}): Promise<Switch> {
    const bridge = this.#nextInterface('br');
    const mtu = options.mtu ?? 1500;
    // Without snooping there is no querier to wait for before neighbour discovery works.
    await this.#ip(`link add ${bridge} mtu ${mtu} type bridge mcast_snooping 0 stp_state 0 forward_delay 0`);
    await this.#ip(`link set ${bridge} up`);
    return { bridge, mtu };
  }

  /** Plugs a host into a switch. */
  async connect(host: Host, { bridge, mtu }: Switch, connection: Connection): Promise<void> {
    const name = connection.interface ?? 'eth0';
    const port = this.#nextInterface('port');
    await this.#ip(`link add ${port} mtu ${mtu} type veth peer name ${name} mtu ${mtu} netns ${host.pid}`);
    await this.#ip(`link set ${port} master ${bridge} up`);
    await host.ip(
      `link set ${name} up`,
      ...connection.addresses.map((address) => `address add ${address} dev ${name}`),
      ...(connection.routes ?? []).map((route) => `route add ${route}`),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#hosts.map((host) => host[Symbol.asyncDispose]()));
    await this.#outer[Symbol.asyncDispose]();
  }

  /** Runs one line of ip(8) among the switches. Outside of the process namespace, so that `netns PID` is this machine's. */
  async #ip(line: string): Promise<void> {
    const [nsenter, ...args] = [...this.#outer.enter('net'), 'ip', ...line.split(' ')];
    await execute(nsenter!, args);
  }

  #nextInterface(prefix: string): string {
    this.#interfaces += 1;
    return `${prefix}${this.#interfaces}`;
  }
}
