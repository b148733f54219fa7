/**
 * Texts of requests end in files whose lines are commands, and in a script that runs as root. Every character that could end a line, a
 * word or a quoted string is put into every text that the registry takes, at the beginning, in the middle and at the end.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORMAT_NAMES } from '../../../src/registry/render/formats.ts';
import { someKey, startLab, type Lab } from '../lab.ts';

const CONTROLS = Array.from({ length: 32 }, (_, code) => String.fromCharCode(code));
const SIGNS = ' "\'`$;|&<>(){}\\!*?~#%=,@^';
const HOSTILE = [...CONTROLS, '\u007F', '\u0085', '\u2028', '\u2029', ...SIGNS.split('')];

interface Place {
  readonly what: string;
  /** A text that is taken there. */
  readonly good: string;
  /** Sends it there; true when the registry took it. */
  readonly send: (lab: Lab, text: string, token: string) => Promise<boolean>;
}

const enrolling =
  (facts: (text: string) => object): Place['send'] =>
  async (lab, text, token) => {
    const body = { name: 'dolores', publicKey: someKey(), ...facts(text) };
    return (await lab.ask('POST', '/v1/enroll', { as: token, body })).status === 201;
  };
const making =
  (path: string, facts: (text: string) => object): Place['send'] =>
  async (lab, text) =>
    (await lab.ask('POST', path, { body: facts(text) })).status === 201;

const adding = (address: string) => ({ name: 'dolores', publicKey: someKey(), addresses: [address] });

const PLACES: readonly Place[] = [
  { what: 'the name of a host', good: 'maeve', send: enrolling((name) => ({ name })) },
  { what: 'its public key', good: someKey(), send: enrolling((publicKey) => ({ publicKey })) },
  { what: 'its endpoint', good: 'host.example.net:51820', send: enrolling((endpoint) => ({ endpoint })) },
  { what: 'its endpoint in IPv6', good: '[2001:db8::1]:51820', send: enrolling((endpoint) => ({ endpoint })) },
  { what: 'its route', good: '172.27.0.0/16', send: enrolling((route) => ({ routes: [route] })) },
  {
    what: 'an address that an administrator gives it',
    good: '10.1.2.77',
    send: making('/v1/networks/home/hosts', adding),
  },
  {
    what: 'such an address in IPv6',
    good: 'fd00:1:2:3::77',
    send: making('/v1/networks/home/hosts', adding),
  },
  { what: 'the name of a network', good: 'away', send: making('/v1/networks', (name) => ({ name })) },
  { what: 'its suffix', good: 'lan.example.net', send: making('/v1/networks', (suffix) => ({ name: 'away', suffix })) },
  {
    what: 'its range',
    good: '10.77.0.0/16',
    send: making('/v1/networks', (range) => ({ name: 'away', ranges: [range] })),
  },
  { what: 'a tag', good: 'office', send: making('/v1/networks/home/tokens', (tag) => ({ tags: [tag] })) },
];

for (const { what, good, send } of PLACES)
  test(`no character of a shell, and no end of a line, gets into ${what}`, async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 100, routes: ['172.16.0.0/12'] });
    const reader = await lab.enrol(token);
    const middle = good.length >> 1;
    const texts = HOSTILE.flatMap((c) => [c + good, good.slice(0, middle) + c + good.slice(middle), good + c]);
    const files = async (): Promise<string[]> => {
      const answers = FORMAT_NAMES.map((format) =>
        lab.ask('GET', `/v1/config?format=${format}`, { as: reader.hostKey }),
      );
      return (await Promise.all(answers)).map(({ text }) => text);
    };
    const before = await files();
    for (const text of texts)
      // oxlint-disable-next-line no-await-in-loop -- one after the other into one registry
      assert.equal(await send(lab, text, token), false, `${what} as ${JSON.stringify(text)}`);
    assert.deepEqual(await files(), before, 'what was refused has changed a file');
    // The text itself is fine: it was the character that was refused.
    assert.equal(await send(lab, good, token), true, `${what} as ${good}`);
  });

test('an endpoint that a host claims to have observed is rendered as an address and a port, or not at all', async (t) => {
  const lab = await startLab(t);
  const token = await lab.token({ uses: 2 });
  const [reader, other] = [await lab.enrol(token), await lab.enrol(token, { name: 'maeve' })];
  const good = '198.51.100.7:4500';
  const texts = HOSTILE.flatMap((c) => [c + good, good.replace('100', `1${c}00`), good + c]);
  const config = async () => (await lab.ask('GET', '/v1/config?format=wg', { as: reader.hostKey })).text;
  for (const [i, endpoint] of texts.entries()) {
    const observed = [{ publicKey: other.host.publicKey, endpoint, latestHandshake: 1_700_000_000 + i }];
    // oxlint-disable-next-line no-await-in-loop -- one after the other into one registry
    await lab.ask('POST', '/v1/report', { as: reader.hostKey, body: { observed } });
    lab.clock.now += 1000; // no host may ask without end
  }
  assert.doesNotMatch(await config(), /Endpoint/);
  const observed = [{ publicKey: other.host.publicKey, endpoint: good, latestHandshake: 1_700_001_000 }];
  await lab.ask('POST', '/v1/report', { as: reader.hostKey, body: { observed } });
  assert.match(await config(), /^Endpoint = 198\.51\.100\.7:4500$/m);
});
