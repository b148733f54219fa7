import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { Lab } from './lab.ts';
import { namespacesBelow, processesIn } from './leftovers.ts';
import { enableNat } from './nat.ts';
import { labOptions } from './requirements.ts';
import { waitFor } from './wait.ts';

describe('the lab', labOptions('ping', 'nft'), () => {
  it('wires hosts that reach each other and nothing else', async () => {
    await using lab = await Lab.open();
    const [a, b] = [await lab.host('a'), await lab.host('b')];
    const lan = await lab.switch();
    await lab.connect(a, lan, { addresses: ['192.0.2.1/24', '2001:db8::1/64'] });
    await lab.connect(b, lan, { addresses: ['192.0.2.2/24', '2001:db8::2/64'] });
    await a.ping('192.0.2.2');
    await a.ping('2001:db8::2');
    assert.match(await a.output('ip', ['route', 'get', '192.0.2.2']), /dev eth0/);
    assert.notEqual((await a.run('ip', ['route', 'get', '198.51.100.1'])).exitCode, 0);
  });

  it('gives each host a name, folders and processes of its own', async () => {
    await using lab = await Lab.open();
    const [a, b] = [await lab.host('a'), await lab.host('b')];
    await a.output('sh', ['-c', 'echo secret >/etc/wireguard/key; mkdir /var/lib/mine; echo x >/run/mine']);
    assert.equal(await a.output('hostname'), 'a\n');
    assert.equal((await b.run('ls', ['/etc/wireguard/key', '/var/lib/mine', '/run/mine'])).exitCode, 2);
    const sleeper = await a.spawn('sleep', ['1000']);
    assert.match(await a.output('ps', ['-o', 'args=', '-p', `${sleeper.pid}`]), /sleep 1000/);
    assert.doesNotMatch(await b.output('ps', ['-eo', 'args=']), /sleep 1000/);
    assert.equal((await sleeper.stop('SIGTERM')).exitCode, 128 + 15);
  });

  it('has routers that let answers in and nothing else', async () => {
    await using lab = await Lab.open();
    const [outside, router, inside] = [await lab.host('outside'), await lab.host('router'), await lab.host('inside')];
    const [internet, home] = [await lab.switch(), await lab.switch()];
    const onLink = { routes: ['0.0.0.0/0 dev eth0', '::/0 dev eth0'] };
    await lab.connect(outside, internet, { addresses: ['192.0.2.1/32', '2001:db8:1::1/128'], ...onLink });
    await lab.connect(router, internet, {
      interface: 'eth0',
      addresses: ['198.51.100.7/32', '2001:db8:2::1/128'],
      ...onLink,
    });
    await lab.connect(router, home, { interface: 'eth1', addresses: ['10.0.0.1/24', 'fd00::1/64'] });
    await lab.connect(inside, home, {
      addresses: ['10.0.0.2/24', 'fd00::2/64'],
      routes: ['default via 10.0.0.1', 'default via fd00::1'],
    });
    await enableNat(router, { outside: 'eth0', inside: 'eth1' });
    await outside.ip('route add 10.0.0.0/24 via 198.51.100.7');
    await inside.ping('192.0.2.1');
    await inside.ping('2001:db8:1::1');
    assert.equal(await outside.canPing('10.0.0.2'), false);
  });

  it('kills a program that outlives its deadline', async () => {
    await using lab = await Lab.open();
    const host = await lab.host('a');
    await assert.rejects(host.run('sleep', ['1000'], { timeoutMs: 100 }), /did not end within 100 ms/);
    await host.waitFor('the program is gone', async () => !/sleep/.test(await host.output('ps', ['-eo', 'args='])));
  });

  it('leaves nothing behind when its process is killed', async () => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', ABANDONED_LAB], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    assert.equal(await firstLine(child.stdout), 'ready');
    const namespaces = namespacesBelow(child.pid!);
    child.kill('SIGKILL');
    assert.equal(namespaces.size, 2, 'that of the lab and that of its host');
    await waitFor('they are gone', () => processesIn(namespaces).length === 0);
  });
});

/** A lab with a busy host, in a process that does not end on its own. */
const ABANDONED_LAB = `
  import { Lab } from '${new URL('lab.ts', import.meta.url).href}';
  const lab = await Lab.open();
  const host = await lab.host('a');
  await host.spawn('sleep', ['1000']);
  console.log('ready');
  setInterval(() => {}, 1000);
`;

async function firstLine(stream: Readable): Promise<string | undefined> {
  for await (const line of createInterface({ input: stream })) return line;
  return undefined;
}
