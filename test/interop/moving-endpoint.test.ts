/** Names of endpoints whose address changes. Each host here finds out in its own way, all at the same time. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Host } from './lab/host.ts';
import { Lab, type Switch } from './lab/lab.ts';
import { labOptions } from './lab/requirements.ts';

const NAME = 'teddy.example.net';
/** More than the silence that is waited for, the pause after a name without an address, and a handshake. */
const RECOVERY_MS = 300_000;

describe('an endpoint that is a host name', labOptions('wg', 'ping'), () => {
  let lab: Lab;
  let wire: Switch;
  /** Where the name points at first, and later. */
  let teddy: Host;
  let newTeddy: Host;
  const keys = new Map<string, { privateKey: string; publicKey: string }>();

  before(async () => {
    lab = await Lab.open();
    wire = await lab.switch();
    [teddy, newTeddy] = [await addHost('teddy', 2), await addHost('new-teddy', 3)];
    for (const name of ['teddy', 'dolores', 'maeve', 'bernard']) {
      const privateKey = (await teddy.output('peerage', ['genkey'])).trim();
      const publicKey = (await teddy.output('peerage', ['pubkey'], { input: privateKey })).trim();
      keys.set(name, { privateKey, publicKey });
    }
    // The machine that teddy moves to has the same key, and waits to be spoken to.
    for (const host of [teddy, newTeddy]) {
      const guests = [peer('dolores', '10.9.0.11/32'), peer('maeve', '10.9.0.12/32'), peer('bernard', '10.9.0.13/32')];
      await configure(host, '/etc/wireguard/wg0.conf', 'teddy', '10.9.0.1/24', guests.join(''));
      await host.output('peerage', ['up', 'wg0']);
    }
  });
  after(async () => lab[Symbol.asyncDispose]());

  async function addHost(name: string, number: number): Promise<Host> {
    const host = await lab.host(name);
    await lab.connect(host, wire, { addresses: [`192.0.2.${number}/24`] });
    return host;
  }

  function peer(name: string, allowedIps: string, more = ''): string {
    return `[Peer]\nPublicKey = ${keys.get(name)!.publicKey}\nAllowedIPs = ${allowedIps}\n${more}`;
  }

  async function configure(host: Host, path: string, name: string, address: string, peers: string): Promise<void> {
    const { privateKey } = keys.get(name)!;
    const input = `[Interface]\nPrivateKey = ${privateKey}\nAddress = ${address}\nListenPort = 51820\n${peers}`;
    await host.output('sh', ['-c', `umask 077; cat > ${path}`], { input });
  }

  async function pointName(host: Host, address: string): Promise<void> {
    // Written over, not replaced: /etc/hosts may be a mount of its own.
    await host.output('sh', ['-c', `grep -v ${NAME} /etc/hosts > /run/hosts; cat /run/hosts > /etc/hosts`]);
    await host.addNames({ [NAME]: [address] });
  }

  const toTeddy = () => peer('teddy', '10.9.0.1/32', `Endpoint = ${NAME}:51820\n`);

  async function recovers(host: Host): Promise<void> {
    await host.waitFor('traffic passes again', () => host.canPing('10.9.0.1'), {
      timeoutMs: RECOVERY_MS,
      explain: async () => (await host.run('sh', ['-c', 'wg show; cat /run/peerage/*.log'])).stdout,
    });
    assert.match(await host.output('wg', ['show', 'all', 'endpoints']), /192\.0\.2\.3:51820/);
  }

  it('is resolved again when the peer is silent, by `up` and by a service', async () => {
    const dolores = await addHost('dolores', 11);
    const maeve = await addHost('maeve', 12);
    const bernard = await addHost('bernard', 13);
    await Promise.all([
      // A file somewhere else, whose path the agent has to know.
      configure(dolores, '/run/office.conf', 'dolores', '10.9.0.11/24', toTeddy()),
      configure(maeve, '/etc/wireguard/wg0.conf', 'maeve', '10.9.0.12/24', toTeddy()),
      configure(bernard, '/etc/wireguard/wg0.conf', 'bernard', '10.9.0.13/24', toTeddy()),
    ]);
    for (const host of [dolores, maeve]) await pointName(host, '192.0.2.2');
    await dolores.output('peerage', ['up', '/run/office.conf']);
    const maeveService = await maeve.spawn('peerage', ['service', 'run', 'wg0']);
    // The name server of this one has no answer at first.
    const bernardService = await bernard.spawn('peerage', ['service', 'run', 'wg0']);
    await dolores.waitFor('the tunnel works', () => dolores.canPing('10.9.0.1'));
    await maeve.waitFor('the tunnel works', () => maeve.canPing('10.9.0.1'));
    await bernard.waitFor('the interface is there', () => bernardService.stderr.includes(`not known: \`${NAME}'`));

    await teddy.output('peerage', ['down', 'wg0']);
    for (const host of [dolores, maeve, bernard]) await pointName(host, '192.0.2.3');
    assert.equal(await dolores.canPing('10.9.0.1'), false, 'the old address is dead');
    await Promise.all([recovers(dolores), recovers(maeve), recovers(bernard)]);

    assert.match(maeveService.stderr, /wg0: teddy\.example\.net is at 192\.0\.2\.3:51820 now/);
    const agentLog = await dolores.output('cat', ['/run/peerage/office.log']);
    assert.equal(agentLog, `office: ${NAME} is at 192.0.2.3:51820 now\n`);
    await dolores.output('peerage', ['down', '/run/office.conf']);
    assert.equal((await dolores.run('pgrep', ['-f', '[a]gent /run/office.conf'])).exitCode, 1, 'no agent is left');
    for (const service of [maeveService, bernardService]) {
      await service.signal('SIGTERM');
      assert.equal((await service.result).exitCode, 0);
    }
  });

  it('a file with addresses only leaves no process behind but the tunnel', async () => {
    const arnold = await addHost('arnold', 14);
    keys.set('arnold', keys.get('bernard')!);
    const fixed = peer('teddy', '10.9.0.1/32', 'Endpoint = 192.0.2.3:51820\n');
    await configure(arnold, '/etc/wireguard/wg0.conf', 'arnold', '10.9.0.14/24', fixed);
    await arnold.output('peerage', ['up', 'wg0']);
    assert.equal((await arnold.run('test', ['-e', '/run/peerage/wg0.agent.json'])).exitCode, 1);
    await arnold.output('peerage', ['down', 'wg0']);
  });
});
