/** The UDP adapter over node:dgram. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { createDgramUdp } from '../../../runtime/node/dgram-udp.ts';
import { UserError } from '../../../src/errors.ts';
import { parseAddress } from '../../../src/ip.ts';
import { Endpoint } from '../../../src/peer/endpoint.ts';
import { inNamespace } from '../../conformance/in-namespace.ts';
import { udpConformance } from '../../conformance/udp.ts';
import { waitFor } from '../../interop/lab/wait.ts';

inNamespace(import.meta.url, [], () => {
  const addresses = { v4: '127.0.0.1', secondV4: '127.0.0.2', v6: '::1' };
  udpConformance('node:dgram', () => ({ a: createDgramUdp(), b: createDgramUdp(), ...addresses }), {
    packetInfo: false,
  });

  test('a port that is taken is refused, and the port before it stays', async () => {
    const a = createDgramUdp();
    const b = createDgramUdp();
    a.bind(7001);
    b.bind(7002);
    assert.throws(
      () => b.bind(7001),
      (error) => error instanceof UserError && error.message === 'cannot bind UDP port 7001: port in use already',
    );
    assert.equal(b.port, 7002);
    await Promise.all([a.close(), b.close()]);
    const c = createDgramUdp();
    c.bind(7001); // closing has let go of it
    await c.close();
  });

  test('a firewall mark is refused', () => {
    assert.throws(() => createDgramUdp().setFwmark(1), UserError);
    createDgramUdp().setFwmark(0);
  });

  test('link-local addresses go through the interface of their zone', async () => {
    execFileSync('ip', ['link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right']);
    for (const [name, address] of [
      ['left', 'fe80::1'],
      ['right', 'fe80::2'],
    ] as const) {
      execFileSync('ip', ['address', 'add', `${address}/64`, 'dev', name, 'nodad']);
      execFileSync('ip', ['link', 'set', name, 'up']);
    }
    const shown = execFileSync('ip', ['-json', 'link', 'show', 'left'], { encoding: 'utf8' });
    const [{ ifindex }] = JSON.parse(shown) as [{ ifindex: number }]; // as ip(8) prints one link
    const a = createDgramUdp();
    a.bind(7001);
    const to = Endpoint.from(parseAddress('fe80::2')!, 7001, ifindex);
    const source = { from: new Endpoint(), ecn: 0, truncated: false };
    await waitFor('it arrives', () => {
      a.send(Uint8Array.of(1), 0, 1, to, 0); // a link needs a moment until it is up
      return a.receive(new Uint8Array(9), 0, source) === 1;
    });
    assert.equal(source.from.toString().replace(/%\d+/, ''), '[fe80::1]:7001');
    assert.ok(source.from.scopeId > 0);
    await a.close();
  });
});
