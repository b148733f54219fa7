/** `peerage registry import` of the databases that wg-easy 15 and innernet-server keep, made here with their own tables. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test, type TestContext } from 'node:test';
import { HostList, NetworkView } from '../../src/registry/wire.ts';
import { someKey, startLab } from '../registry/lab.ts';
import { peerage } from './peerage.ts';

/** Of wg-easy 15.0: what is read, and what must not be. */
const WG_EASY = `
  CREATE TABLE interfaces_table (name text PRIMARY KEY NOT NULL, device text NOT NULL, port integer NOT NULL UNIQUE,
    private_key text NOT NULL, public_key text NOT NULL, ipv4_cidr text NOT NULL, ipv6_cidr text NOT NULL, mtu integer NOT NULL,
    enabled integer NOT NULL);
  CREATE TABLE user_configs_table (id text PRIMARY KEY NOT NULL REFERENCES interfaces_table(name), default_mtu integer NOT NULL,
    default_persistent_keepalive integer NOT NULL, default_dns text NOT NULL, default_allowed_ips text NOT NULL,
    host text NOT NULL, port integer NOT NULL);
  CREATE TABLE clients_table (id integer PRIMARY KEY AUTOINCREMENT NOT NULL, user_id integer NOT NULL, name text NOT NULL,
    ipv4_address text NOT NULL UNIQUE, ipv6_address text NOT NULL UNIQUE, private_key text NOT NULL, public_key text NOT NULL,
    pre_shared_key text NOT NULL, expires_at text, allowed_ips text, server_allowed_ips text NOT NULL,
    persistent_keepalive integer NOT NULL, mtu integer NOT NULL, dns text, enabled integer NOT NULL);
  INSERT INTO user_configs_table VALUES ('wg0', 1420, 0, '[]', '["0.0.0.0/0"]', 'vpn.example.net', 51821)`;

/** Of innernet 1.7. */
const INNERNET = `
  CREATE TABLE cidrs (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, ip TEXT NOT NULL, prefix INTEGER NOT NULL,
    parent INTEGER REFERENCES cidrs, UNIQUE(ip, prefix));
  CREATE TABLE peers (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, ip TEXT NOT NULL UNIQUE, public_key TEXT NOT NULL UNIQUE,
    endpoint TEXT, cidr_id INTEGER NOT NULL REFERENCES cidrs(id), is_admin INTEGER DEFAULT 0 NOT NULL,
    is_disabled INTEGER DEFAULT 0 NOT NULL, is_redeemed INTEGER DEFAULT 0 NOT NULL, invite_expires INTEGER, candidates TEXT);
  CREATE TABLE associations (id INTEGER PRIMARY KEY, cidr_id_1 INTEGER NOT NULL REFERENCES cidrs(id),
    cidr_id_2 INTEGER NOT NULL REFERENCES cidrs(id), UNIQUE(cidr_id_1, cidr_id_2));
  INSERT INTO cidrs VALUES (1, 'evilcorp', '10.66.0.0', 16, NULL), (2, 'infra', '10.66.0.0', 24, 1),
    (3, 'Humans', '10.66.1.0', 24, 1), (4, 'servers', '10.66.2.0', 24, 1), (5, 'guests', '10.66.3.0', 24, 1);
  INSERT INTO associations VALUES (1, 3, 4)`;

describe('the database of wg-easy 15', () => {
  test('gives the server and the clients that are enabled and have not expired; no secret goes further', async (t) => {
    const { run, file, hosts } = await startImport(t, WG_EASY);
    const { insert } = fill(file);
    const at = (day: string) => `${day}T00:00:00.000Z`;
    insert('interfaces_table', 'wg0', 'eth0', 51820, 'SECRET', someKey(), '10.8.0.0/24', 'fd00:8::cafe:0/112', 1420, 1);
    const client = (name: string, n: number, { expires = null as string | null, routes = '[]', enabled = 1 } = {}) => {
      const addresses = [`10.8.0.${n}`, `fd00:8::cafe:${n}`];
      const keys = ['SECRET', someKey(), 'SECRET'];
      insert('clients_table', n, 1, name, ...addresses, ...keys, expires, null, routes, 0, 1420, null, enabled);
    };
    client('My Phone', 2);
    client('my phone', 3, { expires: at('2999-01-01') });
    client('office', 4, { routes: '["172.27.88.0/24"]' });
    client('old', 5, { expires: at('2001-01-01') });
    client('off', 6, { enabled: 0 });

    const shown = await run();
    assert.deepEqual([shown.exitCode, await hosts()], [0, null], 'the network is not there, and is not made');
    const done = await run('--yes');
    assert.equal(done.exitCode, 0, done.stderr);
    const rows = (await hosts())!.map(({ name, addresses, endpoint, routes }) => [name, addresses, endpoint, routes]);
    assert.deepEqual(rows, [
      ['my-phone', ['10.8.0.2', 'fd00:8::cafe:2'], null, []],
      ['my-phone-2', ['10.8.0.3', 'fd00:8::cafe:3'], null, []],
      ['office', ['10.8.0.4', 'fd00:8::cafe:4'], null, ['172.27.88.0/24']],
      ['server', ['10.8.0.1', 'fd00:8::cafe:1'], 'vpn.example.net:51821', []],
    ]);
    assert.match(done.stderr, /old has expired, and is left out/);
    assert.match(done.stderr, /off is disabled, and left out/);
    assert(![done.stdout, done.stderr].some((text) => text.includes('SECRET')));
  });
});

describe('the database of innernet-server', () => {
  test('gives the peers that are there, and rules by which each sees whom it saw', async (t) => {
    const { run, file, hosts, lab } = await startImport(t, INNERNET);
    const { insert, read } = fill(file);
    const peer = (name: string, ip: string, range: number, { disabled = 0, redeemed = 1, endpoint = '' } = {}) =>
      insert('peers', null, name, ip, someKey(), endpoint || null, range, 0, disabled, redeemed, null, '[]');
    peer('innernet-server', '10.66.0.1', 2, { endpoint: '203.0.113.9:51820' });
    peer('dolores', '10.66.1.2', 3);
    peer('teddy', '10.66.2.2', 4);
    peer('william', '10.66.3.2', 5);
    peer('gone', '10.66.3.3', 5, { disabled: 1 });
    peer('invited', '10.66.3.4', 5, { redeemed: 0 });
    const before = await readFile(file);

    const done = await run('--yes');
    assert.equal(done.exitCode, 0, done.stderr);
    assert.deepEqual(
      (await hosts())!.map(({ name, addresses, endpoint, tags }) => [name, ...addresses, endpoint, ...tags]),
      [
        ['dolores', '10.66.1.2', null, 'humans'],
        ['innernet-server', '10.66.0.1', '203.0.113.9:51820', 'infra'],
        ['teddy', '10.66.2.2', null, 'servers'],
        ['william', '10.66.3.2', null, 'guests'],
      ],
    );
    const { rules, ranges } = (await lab.ask('GET', '/v1/networks/moved')).read(NetworkView);
    assert.deepEqual(ranges, ['10.66.0.0/16']);
    const pairs = rules!.map(({ from, to }) => `${from.join()}:${to.join()}`).sort();
    assert.deepEqual(pairs, ['*:infra', 'guests:guests', 'humans:humans', 'humans:servers', 'servers:servers']);
    assert.match(done.stderr, /gone is disabled[^]*invited has not used its invitation/);
    assert.deepEqual(await readFile(file), before, 'the database of the other program is what it was');
    assert.equal(read('PRAGMA journal_mode').journal_mode, 'delete');
  });

  test('says so when rules let more hosts see each other than before', async (t) => {
    const { run, file } = await startImport(t, INNERNET);
    const { insert } = fill(file);
    insert('peers', null, 'dolores', '10.66.9.2', someKey(), null, 1, 0, 0, 1, null, '[]');
    const { stderr } = await run();
    assert.match(stderr, /all hosts of the network see each other here/);
  });
});

describe('a database of another kind', () => {
  test('is refused by name, and nothing is changed', async (t) => {
    const other = await startImport(t, 'CREATE TABLE x (y)');
    const wrong = await other.run('--yes');
    assert.deepEqual([wrong.exitCode, await other.hosts()], [1, null]);
    assert.match(wrong.stderr, /moved\.db is a database neither of wg-easy nor of innernet/);
    const odd = await startImport(t, `${INNERNET}; ALTER TABLE peers RENAME COLUMN ip TO address`);
    assert.match((await odd.run()).stderr, /moved\.db is no database that SQLite can read|holds something else/);
    const none = await peerage(['registry', 'import', '/nonexistent/x.db', '--network', 'moved'], { env: other.env });
    assert.match(none.stderr, /cannot read \/nonexistent\/x\.db/);
  });
});

/** A database with these tables, and a registry that does not have the network `moved` yet. */
async function startImport(t: TestContext, sql: string) {
  const lab = await startLab(t);
  const folder = await mkdtemp(join(tmpdir(), 'peerage-import-'));
  t.after(() => rm(folder, { recursive: true }));
  const file = join(folder, 'moved.db');
  const database = new DatabaseSync(file);
  database.exec(`PRAGMA foreign_keys = OFF; ${sql}`);
  database.close();
  const env = { PEERAGE_REGISTRY: lab.url, PEERAGE_ADMIN_KEY: lab.adminKey, HOME: folder };
  return {
    lab,
    file,
    env,
    run: (...args: string[]) => peerage(['registry', 'import', file, '--network', 'moved', ...args], { env }),
    /** Null: there is no such network. */
    hosts: async () => {
      const answer = await lab.ask('GET', '/v1/networks/moved/hosts');
      return answer.status === 404 ? null : answer.read(HostList).hosts;
    },
  };
}

function fill(file: string) {
  const using = <T>(work: (database: DatabaseSync) => T): T => {
    const database = new DatabaseSync(file, { enableForeignKeyConstraints: false });
    try {
      return work(database);
    } finally {
      database.close();
    }
  };
  return {
    insert: (table: string, ...values: (string | number | null)[]) =>
      using((database) =>
        database.prepare(`INSERT INTO ${table} VALUES (${values.map(() => '?').join(', ')})`).run(...values),
      ),
    read: (sql: string) => using((database) => database.prepare(sql).get()!),
  };
}
