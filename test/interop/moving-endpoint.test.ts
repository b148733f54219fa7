/**
 * Names of endpoints whose address changes. Each of ours finds out in three ways, about peers of every implementation, all at the
 * same time: it takes minutes.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { installPrograms, OURS, THEIRS, whyMissing } from './implementation.ts';
import type { Implementation, Ours } from './implementation.ts';
import type { Host } from './lab/host.ts';
import { Lab, type Switch } from './lab/lab.ts';
import type { RunningProcess } from './lab/process.ts';
import { PORT } from './pair.ts';
import { scenarioOptions } from './pairings.ts';
import { Tunnel } from './tunnel.ts';

const NAME = 'teddy.example.net';
/** More than the silence that is waited for, the pause after a name without an address, and a handshake. */
const RECOVERY_MS = 600_000;

/** By `up` with a file somewhere else, by a service, and by a service whose name server has no answer at first. */
const WAYS = ['up', 'service', 'late'] as const;
type Way = (typeof WAYS)[number];
const FILES = { up: '/run/office.conf', service: '/etc/wireguard/wg0.conf', late: '/etc/wireguard/wg0.conf' } as const;

/** What is at the endpoint: a tunnel of each, with a port and a network of its own. */
const PEERS = [...OURS, ...THEIRS].filter((implementation) => whyMissing(implementation) === undefined);

interface Keys {
  privateKey: string;
  publicKey: string;
}

/** A host with one of ours, which has a tunnel to all peers. */
interface Guest {
  ours: Ours;
  way: Way;
  host: Host;
  keys: Keys;
  /** The last number of its addresses. */
  number: number;
  service?: RunningProcess;
}

describe('an endpoint that is a host name', scenarioOptions(), () => {
  let lab: Lab;
  let wire: Switch;
  const peerKeys = new Map<Implementation, Keys>();
  const guests: Guest[] = [];

  before(async () => {
    lab = await Lab.open();
    wire = await lab.switch();
    const [teddy, newTeddy] = [await addHost('teddy', 2), await addHost('new-teddy', 3)];
    for (const peer of PEERS) peerKeys.set(peer, await makeKeys(teddy));
    let number = 11;
    for (const ours of OURS.filter((each) => whyMissing(each) === undefined))
      for (const way of WAYS) {
        const host = await addHost(`${way}-${ours.name}`, number);
        await installPrograms(host, ours);
        guests.push({ ours, way, host, keys: await makeKeys(host), number: number++ });
      }
    // The machine that teddy moves to has the same keys, and waits to be spoken to.
    const [tunnels] = await Promise.all([openTunnels(teddy), openTunnels(newTeddy)]);
    await Promise.all(guests.map(start));
    await Promise.all(tunnels.map((tunnel) => tunnel.stop()));
    for (const { host } of guests) await pointName(host, '192.0.2.3');
  });
  after(() => lab[Symbol.asyncDispose]());

  async function addHost(name: string, number: number): Promise<Host> {
    const host = await lab.host(name);
    await lab.connect(host, wire, { addresses: [`192.0.2.${number}/24`] });
    return host;
  }

  async function openTunnels(host: Host): Promise<Tunnel[]> {
    const tunnels: Tunnel[] = [];
    for (const [i, peer] of PEERS.entries()) {
      const options = { interface: `wg${i}`, addresses: [inside(i, 1, 24)], listenPort: PORT + i };
      const { privateKey } = peerKeys.get(peer)!;
      const tunnel = await Tunnel.open(host, peer, { ...options, privateKey });
      await tunnel.setPeers(
        guests.map(({ keys, number }) => [keys.publicKey, { allowedIps: [inside(i, number, 32)] }]),
      );
      tunnels.push(tunnel);
    }
    return tunnels;
  }

  async function start(guest: Guest): Promise<void> {
    const { host, way, keys, number } = guest;
    const peers = PEERS.map((peer, i) => {
      const lines = [`PublicKey = ${peerKeys.get(peer)!.publicKey}`, `AllowedIPs = ${inside(i, 1, 32)}`];
      return ['[Peer]', ...lines, `Endpoint = ${NAME}:${PORT + i}`, ''].join('\n');
    });
    await configure(host, FILES[way], keys, PEERS.map((_, i) => inside(i, number, 24)).join(), peers.join(''));
    if (way !== 'late') await pointName(host, '192.0.2.2');
    if (way === 'up') await host.output('peerage', ['up', FILES.up]);
    else guest.service = await host.spawn('peerage', ['service', 'run', 'wg0']);
    if (way === 'late')
      await host.waitFor('the interface is there', () => guest.service!.stderr.includes(`not known: \`${NAME}'`));
    else
      for (const i of PEERS.keys())
        await host.waitFor(`the tunnel to ${PEERS[i]!.name} works`, () => host.canPing(inside(i, 1)));
  }

  async function recovers({ host, service }: Guest, i: number): Promise<void> {
    const flow = await host.spawn('ping', ['-n', inside(i, 1)]);
    await host.waitFor('traffic passes again', () => flow.stdout.includes('bytes from'), {
      timeoutMs: RECOVERY_MS,
      explain: async () =>
        `${service?.stderr}${(await host.run('sh', ['-c', 'wg show; cat /run/peerage/*.log'])).stdout}`,
    });
    await flow.stop('SIGINT');
    assert.ok((await host.output('wg', ['show', 'all', 'endpoints'])).includes(`\t192.0.2.3:${PORT + i}\n`));
  }

  describe('is resolved again when the peer is silent, by `up` and by a service', { concurrency: true }, () => {
    for (const ours of OURS)
      for (const peer of [...OURS, ...THEIRS])
        it(`${ours.name} -> ${peer.name}`, { skip: whyMissing(ours) ?? whyMissing(peer) ?? false }, async () => {
          const own = guests.filter((guest) => guest.ours === ours);
          assert.equal(own.length, WAYS.length);
          await Promise.all(own.map((guest) => recovers(guest, PEERS.indexOf(peer))));
        });
  });

  for (const ours of OURS)
    describe(`on ${ours.name}`, { skip: whyMissing(ours) ?? false }, () => {
      it('is told with its new address, until the tunnel ends with all that belongs to it', async () => {
        const told = (name: string) => PEERS.map((_, i) => `${name}: ${NAME} is at 192.0.2.3:${PORT + i} now`);
        for (const { host, way, service } of guests.filter((guest) => guest.ours === ours)) {
          if (service === undefined) {
            // Packets may pass before it is written.
            await host.waitFor('it is written', async () => {
              const lines = (await host.output('cat', ['/run/peerage/office.log'])).trimEnd().split('\n');
              return isDeepStrictEqual(new Set(lines), new Set(told('office')));
            });
            await host.output('peerage', ['down', FILES.up]);
            assert.equal((await host.run('pgrep', ['-f', '[a]gent /run/office.conf'])).exitCode, 1, 'no agent is left');
            continue;
          }
          if (way === 'service')
            for (const line of told('wg0')) await host.waitFor(line, () => service.stderr.includes(line));
          await service.signal('SIGTERM');
          assert.equal((await service.result).exitCode, 0);
        }
      });

      it('and a file with addresses only leaves no process behind but the tunnel', async () => {
        const host = await addHost(`fixed-${ours.name}`, 100 + OURS.indexOf(ours));
        await installPrograms(host, ours);
        const { publicKey } = peerKeys.get(PEERS[0]!)!;
        const fixed = `[Peer]\nPublicKey = ${publicKey}\nAllowedIPs = ${inside(0, 1, 32)}\nEndpoint = 192.0.2.3:${PORT}\n`;
        await configure(host, FILES.service, await makeKeys(host), inside(0, 100, 24), fixed);
        await host.output('peerage', ['up', 'wg0']);
        assert.equal((await host.run('test', ['-e', '/run/peerage/wg0.agent.json'])).exitCode, 1);
        await host.output('peerage', ['down', 'wg0']);
      });
    });
});

/** In the network of a peer; that is number 1 there. */
function inside(peer: number, number: number, length?: number): string {
  return `10.9.${peer}.${number}${length === undefined ? '' : `/${length}`}`;
}

async function makeKeys(host: Host): Promise<Keys> {
  const privateKey = (await host.output('wg', ['genkey'])).trim();
  return { privateKey, publicKey: (await host.output('wg', ['pubkey'], { input: privateKey })).trim() };
}

async function configure(host: Host, path: string, keys: Keys, addresses: string, peers: string): Promise<void> {
  const own = `PrivateKey = ${keys.privateKey}\nAddress = ${addresses}\nListenPort = ${PORT}\n`;
  await host.output('sh', ['-c', `umask 077; cat > ${path}`], { input: `[Interface]\n${own}${peers}` });
}

async function pointName(host: Host, address: string): Promise<void> {
  // Written over, not replaced: /etc/hosts may be a mount of its own.
  await host.output('sh', ['-c', `grep -v ${NAME} /etc/hosts > /run/hosts; cat /run/hosts > /etc/hosts`]);
  await host.addNames({ [NAME]: [address] });
}
