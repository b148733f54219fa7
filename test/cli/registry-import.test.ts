/** `peerage registry import`: what is read out of wg-quick files, and what becomes of it in a registry. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { readConfigFiles } from '../../src/cli/import/config-files.ts';
import { readWgEasy } from '../../src/cli/import/wg-easy.ts';
import { nobleCrypto } from '../../src/crypto/noble.ts';
import { formatKey, generatePrivateKey, type PrivateKey, type PublicKey } from '../../src/keys.ts';
import { HostList } from '../../src/registry/wire.ts';
import { startLab } from '../registry/lab.ts';
import { peerage } from './peerage.ts';

const SEED = new URL('../config/seed/', import.meta.url);
const publicKeyOf = (key: PrivateKey): PublicKey => nobleCrypto.publicKey(key) as PublicKey; // 32 bytes by the port's contract
const random = (length: number) => crypto.getRandomValues(new Uint8Array(length));

/** A consistent set: dolores can be reached, teddy cannot and has a subnet, and a phone has no file of its own. */
function makeSet() {
  const keys = ['dolores', 'teddy', 'phone'].map(() => generatePrivateKey(random));
  const [dolores, teddy, phone] = keys.map((key) => ({ own: formatKey(key), public: formatKey(publicKeyOf(key)) }));
  const psk = formatKey(generatePrivateKey(random));
  const self = (key: string, address: string) =>
    `[Interface]\nPrivateKey = ${key}\nAddress = ${address}\nListenPort = 51000\n`;
  const peer = (key: string, rest: string) => `[Peer]\nPublicKey = ${key}\nPresharedKey = ${psk}\n${rest}\n`;
  const files = [
    {
      name: 'dolores.conf',
      text:
        self(dolores!.own, '10.1.2.3/24, fd00:1:2:3::3/64') +
        peer(teddy!.public, 'AllowedIPs = 10.1.2.4/32, fd00:1:2:3::4/128, 172.27.88.0/24') +
        peer(phone!.public, 'AllowedIPs = 10.1.2.9/32'),
    },
    {
      name: 'Teddy Office.conf',
      text:
        self(teddy!.own, '10.1.2.4/24, fd00:1:2:3::4/64') +
        peer(dolores!.public, 'AllowedIPs = 10.1.2.0/24, 0.0.0.0/0\nEndpoint = 203.0.113.54:51000'),
    },
  ];
  return { files, secrets: [...keys.map((key) => formatKey(key)), psk], dolores, teddy, phone };
}

describe('a folder of configurations', () => {
  test('gives names, keys, addresses, endpoints and routes, and no secret', () => {
    const { files, secrets, dolores, teddy, phone } = makeSet();
    const found = readConfigFiles(files, publicKeyOf);
    assert.deepEqual(found, {
      ranges: ['10.1.2.0/24', 'fd00:1:2:3::/64'],
      listenPort: 51000,
      hosts: [
        {
          name: 'dolores',
          publicKey: dolores!.public,
          addresses: ['10.1.2.3', 'fd00:1:2:3::3'],
          listenPort: 51000,
          endpoint: '203.0.113.54:51000',
          routes: [],
        },
        {
          name: 'teddy-office',
          publicKey: teddy!.public,
          addresses: ['10.1.2.4', 'fd00:1:2:3::4'],
          listenPort: 51000,
          endpoint: null,
          routes: ['172.27.88.0/24'],
        },
        {
          name: 'host-10-1-2-9',
          publicKey: phone!.public,
          addresses: ['10.1.2.9'],
          listenPort: undefined,
          endpoint: null,
          routes: [],
        },
      ],
      notes: [],
    });
    for (const secret of secrets) assert(!JSON.stringify(found).includes(secret));
  });

  test('the six files of the seed, with all that is wrong in them, give six hosts and say what is missing', () => {
    const files = readdirSync(SEED).map((name) => ({ name, text: readFileSync(new URL(name, SEED), 'utf8') }));
    const { ranges, hosts, notes } = readConfigFiles(files, publicKeyOf);
    assert.deepEqual(ranges, ['10.195.171.0/24', 'fdc1:d89e:b128:6a04::/64']);
    const rows = hosts.map(({ name, publicKey, addresses, endpoint, routes }) => [
      name,
      publicKey?.slice(0, 4),
      addresses[0],
      endpoint,
      routes[0],
    ]);
    assert.deepEqual(rows, [
      ['arnold', undefined, undefined, null, undefined],
      ['bernard', '5SAd', '10.195.171.74', 'bernard.example.net:55867', undefined],
      ['charlotte', 'xFXz', '10.195.171.241', 'charlotte.example.net:55867', '172.27.88.0/24'],
      ['dolores', 'xFXz', '10.195.171.142', 'dolores.example.net:55867', undefined],
      ['maeve', 'Bj7G', '10.195.171.126', 'maeve.example.net:55867', undefined],
      ['teddy', undefined, undefined, 'teddy.example.net:55867', '172.27.126.0/24'],
    ]);
    assert(notes.some((note) => /public key of arnold: let it enrol with a token/.test(note)));
  });

  test('a section with the key of the host in whose file it is says nothing of that host', () => {
    const text = readFileSync(new URL('dolores.conf', SEED), 'utf8');
    const { hosts, notes } = readConfigFiles([{ name: 'dolores.conf', text }], publicKeyOf);
    const [dolores] = hosts;
    assert.deepEqual([dolores?.name, dolores?.endpoint, dolores?.routes], ['dolores', null, []]);
    assert.deepEqual(
      hosts.map(({ name }) => name),
      ['dolores', 'host-10-195-171-47', 'host-10-195-171-174'],
    );
    assert(notes.includes('dolores.conf: the [Peer] section of some other host has the key of dolores'));
  });

  test('text that is no configuration throws nothing', () => {
    for (const text of ['', '[Peer]', '[Interface]\nAddress = 10.0.0.1', '\0\n[[', 'Address = 10.0.0.1/8'])
      assert.doesNotThrow(() => readConfigFiles([{ name: 'x.conf', text }], publicKeyOf));
  });
});

describe('the wg0.json of wg-easy', () => {
  const [server, phone, laptop, old] = ['S', 'P', 'L', 'O'].map((letter) => `${letter}${'A'.repeat(42)}=`);
  const client = (name: string, address: string, publicKey: string, enabled = true) => ({
    id: name,
    name,
    address,
    privateKey: 'SECRET',
    publicKey,
    preSharedKey: 'SECRET',
    createdAt: '2024-01-01T00:00:00.000Z',
    updatedAt: '2024-01-01T00:00:00.000Z',
    enabled,
  });

  test('gives the server and each enabled client, by names that a registry takes, and no secret', () => {
    const clients = {
      a: client('My Phone', '10.8.0.2', phone!),
      b: client('my phone', '10.8.0.3', laptop!),
      c: client('old', '10.8.0.4', old!, false),
    };
    const text = JSON.stringify({ server: { privateKey: 'SECRET', publicKey: server, address: '10.8.0.1' }, clients });
    const found = readWgEasy(text, 'wg0.json');
    assert.deepEqual(
      found.hosts.map(({ name, publicKey, addresses }) => [name, publicKey, ...addresses]),
      [
        ['server', server, '10.8.0.1'],
        ['my-phone', phone, '10.8.0.2'],
        ['my-phone-2', laptop, '10.8.0.3'],
      ],
    );
    assert.deepEqual([found.ranges, found.listenPort], [['10.8.0.0/24'], 51820]);
    assert(found.notes.some((note) => note === 'old is disabled, and left out'));
    assert(!JSON.stringify(found).includes('SECRET'));
  });

  test('a file of another kind is an error that names it', () => {
    for (const text of ['', 'null', '{}', '[]', '{"server":{},"clients":{}}', 'PrivateKey = x'])
      assert.throws(() => readWgEasy(text, 'other.json'), /other\.json is no wg0\.json of wg-easy/);
  });
});

describe('peerage registry import', () => {
  test('shows first, then adds each host once at its own addresses; no secret gets to the registry', async (t) => {
    const lab = await startLab(t);
    const folder = await mkdtemp(join(tmpdir(), 'peerage-import-'));
    t.after(() => rm(folder, { recursive: true }));
    const { files, secrets } = makeSet();
    for (const { name, text } of files) await writeFile(join(folder, name), text, { mode: 0o600 });
    const env = { PEERAGE_REGISTRY: lab.url, PEERAGE_ADMIN_KEY: lab.adminKey, HOME: folder };
    const run = (...args: string[]) => peerage(['registry', 'import', folder, '--network', 'home', ...args], { env });
    const hosts = async () => (await lab.ask('GET', '/v1/networks/home/hosts')).read(HostList).hosts;

    const shown = await run();
    assert.deepEqual([shown.exitCode, await hosts()], [0, []], shown.stderr);
    assert.match(shown.stdout, /^dolores +new +10\.1\.2\.3 fd00:1:2:3::3 +203\.0\.113\.54:51000/m);
    assert.match(shown.stderr, /Nothing was changed\. To do it: the same with --yes/);

    const done = await run('--yes');
    assert.equal(done.exitCode, 0, done.stderr);
    const there = await hosts();
    assert.deepEqual(
      there.map(({ name, addresses, routes }) => [name, addresses[0], routes]),
      [
        ['dolores', '10.1.2.3', []],
        ['host-10-1-2-9', '10.1.2.9', []],
        ['teddy-office', '10.1.2.4', ['172.27.88.0/24']],
      ],
    );
    const [, hostKey] = /^dolores +(pgh_\S+)$/m.exec(done.stdout) ?? [];
    assert.equal((await lab.ask('GET', '/v1/config', { as: hostKey! })).status, 200);

    const again = await run('--yes');
    assert.deepEqual([again.exitCode, await hosts()], [0, there], again.stderr);
    assert(!again.stdout.includes('pgh_'));
    const [stored, said] = [await lab.stored(), [shown, done, again].map(({ stdout, stderr }) => stdout + stderr)];
    for (const secret of secrets) assert(![stored, ...said, ...lab.logged].some((text) => text.includes(secret)));
  });

  test('a host whose name or key another one has is told of, and changes nothing', async (t) => {
    const lab = await startLab(t);
    const folder = await mkdtemp(join(tmpdir(), 'peerage-import-'));
    t.after(() => rm(folder, { recursive: true }));
    const { files, teddy } = makeSet();
    for (const { name, text } of files) await writeFile(join(folder, name), text, { mode: 0o600 });
    await lab.enrol(await lab.token(), { name: 'dolores' });
    await lab.enrol(await lab.token(), { name: 'maeve', publicKey: teddy!.public });
    const env = { PEERAGE_REGISTRY: lab.url, PEERAGE_ADMIN_KEY: lab.adminKey, HOME: folder };
    const { exitCode, stdout, stderr } = await peerage(['registry', 'import', folder, '--network', 'home'], { env });
    assert.equal(exitCode, 1);
    assert.match(stdout, /^dolores +not possible: another host has this name/m);
    assert.match(stdout, /^teddy-office +not possible: maeve has this key/m);
    assert.match(stderr, /2 of 3 hosts cannot be imported/);
    const empty = await peerage(['registry', 'import', join(folder, 'none'), '--network', 'home'], { env });
    assert.deepEqual([empty.exitCode, /there is no file NAME\.conf/.test(empty.stderr)], [1, true]);
  });
});
