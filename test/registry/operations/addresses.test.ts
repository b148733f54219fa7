/** Hosts at addresses of the administrator's choice: for networks that were there before the registry. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { CreatedToken, Enrolled, HostView, PeerList } from '../../../src/registry/wire.ts';
import { expectProblem, expectStatus, someKey, startLab } from '../lab.ts';

async function startDesk(t: Parameters<typeof startLab>[0]) {
  const lab = await startLab(t);
  const add = (name: string, addresses: readonly string[]) =>
    lab.ask('POST', '/v1/networks/home/hosts', { body: { name, publicKey: someKey(), addresses } });
  return { lab, add };
}

describe('chosen addresses', () => {
  test('the host gets them, in the order of the ranges; where none is given one is drawn', async (t) => {
    const { add } = await startDesk(t);
    const both = expectStatus(201, await add('teddy', ['FD00:1:2:3:0:0:0:7', '10.1.2.7'])).read(Enrolled);
    assert.deepEqual(both.host.addresses, ['10.1.2.7/24', 'fd00:1:2:3::7/64']);
    const one = expectStatus(201, await add('maeve', ['10.1.2.8'])).read(Enrolled);
    assert.equal(one.host.addresses[0], '10.1.2.8/24');
    assert.match(one.host.addresses[1]!, /^fd00:1:2:3::[0-9a-f]+\/64$/);
  });

  test('an address of another host, of none of the ranges, or that no host may have is refused', async (t) => {
    const { lab, add } = await startDesk(t);
    expectStatus(201, await add('teddy', ['10.1.2.7']));
    expectProblem('address-taken', expectStatus(409, await add('maeve', ['10.1.2.7'])));
    expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/teddy'));
    expectProblem('address-taken', expectStatus(409, await add('maeve', ['10.1.2.7'])));
    for (const addresses of [
      ['192.0.2.1'],
      ['10.1.2.0'],
      ['10.1.2.255'],
      ['10.1.2.8', '10.1.2.9'],
      ['teddy'],
      ['10.1.2.8/24'],
    ])
      expectProblem('invalid', expectStatus(422, await add('maeve', addresses)));
    expectStatus(201, await add('maeve', ['10.1.2.8']));
  });

  test('who enrols with a token cannot choose', async (t) => {
    const { lab } = await startDesk(t);
    const body = { name: 'teddy', publicKey: someKey(), addresses: ['10.1.2.7'] };
    expectProblem('invalid', await lab.ask('POST', '/v1/enroll', { as: await lab.token(), body }));
  });
});

test('a network of several ranges gives each host an address in every one, until one of them is full', async (t) => {
  const lab = await startLab(t);
  const ranges = ['10.8.0.0/24', '10.9.0.0/30', 'fd00:8::/64', 'fd00:9::/64'];
  expectStatus(201, await lab.ask('POST', '/v1/networks', { body: { name: 'wide', ranges } }));
  const tokens = await lab.ask('POST', '/v1/networks/wide/tokens', { body: { uses: 3 } });
  const { token } = tokens.read(CreatedToken);
  const patterns = [
    /^10\.8\.0\.\d+\/24$/,
    /^10\.9\.0\.[12]\/30$/,
    /^fd00:8::[0-9a-f]+\/64$/,
    /^fd00:9::[0-9a-f]+\/64$/,
  ];
  const { hostKey, host } = await lab.enrol(token, { name: 'teddy' });
  assert.equal(host.addresses.length, patterns.length);
  for (const [i, pattern] of patterns.entries()) assert.match(host.addresses[i]!, pattern);
  // Chosen in two of the ranges, in no order, and drawn in the others.
  const body = { name: 'maeve', publicKey: someKey(), addresses: ['fd00:9::7', '10.8.0.7'] };
  const added = expectStatus(201, await lab.ask('POST', '/v1/networks/wide/hosts', { body })).read(Enrolled);
  for (const [i, pattern] of patterns.entries()) assert.match(added.host.addresses[i]!, pattern);
  assert.deepEqual([added.host.addresses[0], added.host.addresses[3]], ['10.8.0.7/24', 'fd00:9::7/64']);

  const [peer] = (await lab.ask('GET', '/v1/peers', { as: hostKey })).read(PeerList).peers;
  const { addresses } = (await lab.ask('GET', '/v1/networks/wide/hosts/maeve')).read(HostView);
  assert.deepEqual(
    peer?.allowedIps,
    addresses.map((address) => `${address}/${address.includes(':') ? 128 : 32}`),
  );
  const { text } = await lab.ask('GET', '/v1/config', { as: hostKey });
  assert.match(text, new RegExp(`^Address = ${host.addresses.join(', ')}$`, 'm'));

  // The second range had room for two.
  const facts = { body: { name: 'bernard', publicKey: someKey() }, as: token };
  expectProblem('network-full', expectStatus(409, await lab.ask('POST', '/v1/enroll', facts)));
});
