/** How hosts with agents stay and change: renewal, a new key pair under traffic, and removal, between hosts of the lab. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Host } from '../interop/lab/host.ts';
import { Lab } from '../interop/lab/lab.ts';
import type { RunningProcess } from '../interop/lab/process.ts';
import { labOptions } from '../interop/lab/requirements.ts';

const REGISTRY = 'http://203.0.113.1:8080';
/** What the project promises for a host with an agent. */
const REVOCATION_MS = 5000;

interface HostJson {
  name: string;
  publicKey: string;
  nextPublicKey: string | null;
  expiresAt: string | null;
}

// One story: each test goes on where the one before it ended.
describe('a host with an agent', labOptions('curl', 'wg', 'ncat', 'ping'), () => {
  let lab: Lab;
  let desk: Host;
  let dolores: Host;
  let teddy: Host;
  let bernard: Host;
  let registry: RunningProcess;
  let firstEnd: string;
  /** From teddy to dolores, all the time. */
  let pings: RunningProcess;
  /** One TCP connection, all the time. */
  let receiver: RunningProcess;
  let sender: RunningProcess;

  before(async () => {
    lab = await Lab.open();
    [desk, dolores] = [await lab.host('desk'), await lab.host('dolores')];
    [teddy, bernard] = [await lab.host('teddy'), await lab.host('bernard')];
    const internet = await lab.switch();
    await lab.connect(desk, internet, { addresses: ['203.0.113.1/24'] });
    await lab.connect(dolores, internet, { addresses: ['203.0.113.2/24'] });
    await lab.connect(teddy, internet, { addresses: ['203.0.113.3/24'] });
    await lab.connect(bernard, internet, { addresses: ['203.0.113.4/24'] });
    registry = await serve();
    const { adminKey } = JSON.parse(registry.stdout) as { adminKey: string };
    await desk.output('peerage', ['login', REGISTRY], { input: `${adminKey}\n` });
    await desk.output('peerage', ['network', 'add', 'home']);
  });
  after(async () => lab[Symbol.asyncDispose]());

  async function serve(): Promise<RunningProcess> {
    const process = await desk.spawn('peerage', ['registry', 'serve', '--listen', '203.0.113.1:8080', '--json'], {
      env: { LOG_LEVEL: 'info' },
    });
    await desk.waitFor('the registry listens', () => process.stdout.includes('\n'));
    return process;
  }

  async function token(...options: string[]): Promise<string> {
    return (JSON.parse(await desk.output('peerage', ['token', '--json', ...options])) as { token: string }).token;
  }

  async function listed(name: string): Promise<HostJson> {
    const hosts = JSON.parse(await desk.output('peerage', ['ls', '--json'])) as HostJson[];
    return hosts.find((host) => host.name === name)!;
  }

  const show = async (host: Host, what: string) => (await host.output('wg', ['show', 'wg0', what])).trim();
  const addressOf = async (host: Host) =>
    /^Address = ([\d.]+)/m.exec(await host.output('cat', ['/etc/wireguard/wg0.conf']))?.[1] ?? '';
  const answered = () => pings.stdout.split('\n').filter((line) => line.includes('bytes from')).length;
  const goesOn = async () => {
    const before = answered();
    await teddy.waitFor('pings are answered', () => answered() > before);
    const line = `${Math.random()}`;
    sender.write(`${line}\n`);
    await dolores.waitFor('the same connection carries data', () => receiver.stdout.includes(line));
  };

  it('is in, another one with a limited time', async () => {
    await dolores.output('peerage', [
      'join',
      `${REGISTRY}/${await token()}`,
      '--endpoint',
      '203.0.113.2:55867',
      '--listen-port',
      '55867',
    ]);
    await teddy.output('peerage', ['join', `${REGISTRY}/${await token()}`]);
    // Apart from the others: on a machine that is slow enough its time is up before it is renewed.
    await bernard.output('peerage', ['join', `${REGISTRY}/${await token('--keep', '1m')}`]);
    firstEnd = (await listed('bernard')).expiresAt!;
    const to = await addressOf(dolores);
    await teddy.waitFor('dolores answers', () => teddy.canPing(to));
    pings = await teddy.spawn('ping', ['-n', '-i', '0.1', to]);
    receiver = await dolores.spawn('ncat', ['-l', to, '9000']);
    await dolores.waitFor('it listens', async () => (await dolores.output('ss', ['-Hlnt', 'sport = :9000'])) !== '');
    sender = await teddy.spawn('ncat', [to, '9000']);
    await goesOn();
  });

  it('changes its key pair while traffic goes on', async (t) => {
    const old = await show(dolores, 'public-key');
    const made = JSON.parse(await dolores.output('peerage', ['rotate', '--notice', '2', '--json'])) as {
      publicKey: string;
    };
    assert.notEqual(made.publicKey, old);
    assert.equal(await show(dolores, 'public-key'), made.publicKey);
    assert.equal((await listed('dolores')).publicKey, made.publicKey);
    await teddy.waitFor('teddy has the new key only', async () => {
      const peers = await show(teddy, 'peers');
      return peers.includes(made.publicKey) && !peers.includes(old);
    });
    await goesOn();
    const config = await teddy.output('cat', ['/etc/wireguard/wg0.conf']);
    assert(config.includes(made.publicKey) && !config.includes(old), 'and in its file');
    const numbers = [...pings.stdout.matchAll(/icmp_seq=(\d+)/g)].map(([, digits]) => Number(digits));
    t.diagnostic(
      `${Math.max(...numbers) - numbers.length} of ${numbers.length} pings, ten a second, were not answered`,
    );
  });

  it('changes its key pair even when the registry is away in the middle of it', async () => {
    const [old, dead] = [await show(teddy, 'public-key'), await show(dolores, 'public-key')];
    // Long enough to stop the registry in, on however slow a machine: what comes after is waited for.
    const rotation = await teddy.spawn('peerage', ['rotate', '--notice', '20', '--json']);
    const next = await desk.waitFor('it is announced', async () => (await listed('teddy')).nextPublicKey ?? false);
    await dolores.waitFor('dolores lets it in', async () => (await show(dolores, 'peers')).includes(next));
    await registry.stop();
    await teddy.waitFor('it is in use', async () => (await show(teddy, 'public-key')) === next);
    await goesOn();
    const allowed = async (key: string) =>
      (await show(dolores, 'allowed-ips')).split('\n').find((line) => line.startsWith(key)) ?? '';
    assert.match(await allowed(next), /10\./, 'the traffic of teddy is taken from the next key');
    assert.doesNotMatch(await allowed(old), /10\./);
    registry = await serve();
    const { stdout } = await rotation.result;
    assert.equal((JSON.parse(stdout) as { publicKey: string }).publicKey, next);
    await dolores.waitFor('the old key is gone', async () => !(await show(dolores, 'peers')).includes(old));
    assert.equal(await show(dolores, 'public-key'), dead, 'nobody else has changed');
    await goesOn();
  });

  it('keeps no key that is not in use, and tells none', async () => {
    for (const host of [dolores, teddy]) {
      const kept = await host.output('ls', ['/var/lib/peerage']);
      assert.doesNotMatch(kept, /rotation/);
      const log = await host.output('cat', ['/run/peerage/wg0.log']);
      assert(!log.includes(await show(host, 'private-key')));
    }
  });

  it('refuses a new key where its file does not hold the present one, before anybody hears of it', async () => {
    const path = '/etc/wireguard/wg0.conf';
    const whole = await bernard.output('cat', [path]);
    const without = whole.replace(/^PrivateKey = .*\n/m, 'PostUp = wg set %i private-key /etc/wireguard/wg0.key\n');
    await bernard.output('tee', [path], { input: without });
    const refused = await bernard.run('peerage', ['rotate', '--notice', '0']);
    assert.deepEqual([refused.exitCode, /holds no PrivateKey/.test(refused.stderr)], [1, true], refused.stderr);
    // A wish that was there before is given up as well, and not tried for ever.
    await bernard.output('tee', ['/var/lib/peerage/wg0.rotation'], { input: '{"noticeMs":0}\n' });
    const log = () => bernard.output('cat', ['/run/peerage/wg0.log']);
    await bernard.waitFor('the agent says so', async () =>
      (await log()).includes('no new key: /etc/wireguard/wg0.conf'),
    );
    assert.doesNotMatch(await bernard.output('ls', ['/var/lib/peerage']), /rotation/);
    assert.equal((await listed('bernard')).nextPublicKey, null);
    await bernard.output('tee', [path], { input: whole });
  });

  it('renews itself before its time is up', async () => {
    const end = await desk.waitFor('bernard stays for longer', async () => {
      const { expiresAt } = await listed('bernard');
      return expiresAt !== null && expiresAt > firstEnd && expiresAt;
    });
    await bernard.waitFor('its log says so', async () =>
      (await bernard.output('cat', ['/run/peerage/wg0.log'])).includes('renewed until '),
    );
    assert(Date.parse(end) > Date.parse(firstEnd));
  });

  it('lets go of one that was removed at once, and one with curl is refused', async (t) => {
    const key = await show(dolores, 'public-key');
    const publicKey = (await desk.output('sh', ['-c', 'peerage genkey | peerage pubkey'])).trim();
    const form = ['--data-urlencode', 'name=maeve', '--data-urlencode', `publicKey=${publicKey}`];
    const bearer = (credential: string) => ['-H', `Authorization: Bearer ${credential}`];
    const config = await desk.output('curl', ['-fsS', `${REGISTRY}/v1/enroll`, ...bearer(await token()), ...form]);
    const hostKey = /HostKey = (\S+)/.exec(config)?.[1] ?? '';
    const fetched = () =>
      desk.output('curl', [
        '-sS',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        `${REGISTRY}/v1/config`,
        ...bearer(hostKey),
      ]);
    assert.equal(await fetched(), '200');
    await teddy.waitFor('teddy knows both', async () => {
      const peers = await show(teddy, 'peers');
      return peers.includes(key) && peers.includes(publicKey);
    });
    for (const host of [dolores, bernard])
      // oxlint-disable-next-line no-await-in-loop -- so that what comes later is about the removal
      await host.waitFor('it knows maeve', async () => (await show(host, 'peers')).includes(publicKey));

    // In one process each, so that what is measured is not the start of programs.
    const watch = await teddy.spawn('sh', [
      '-c',
      `echo watching; while wg show wg0 peers | grep -qF '${key}'; do :; done; date +%s%N`,
    ]);
    await teddy.waitFor('somebody watches', () => watch.stdout.includes('watching'));
    const loggedBefore = registry.stderr.length;
    await desk.output('peerage', ['rm', 'dolores', '--yes']);
    const removedAt = Number(await desk.output('date', ['+%s%N']));
    const gone = Number((await watch.result).stdout.trim().split('\n').at(-1));
    const tookMs = Math.max(0, (gone - removedAt) / 1e6);
    t.diagnostic(`teddy let go of dolores ${tookMs.toFixed(0)} ms after the command had ended`);
    // By the clock of the registry alone, since a slow machine makes programs late: the removal itself answers the requests that
    // wait, which would otherwise be held for nearly a minute, that of dolores with a refusal.
    const logged = () => requestsIn(registry.stderr.slice(loggedBefore));
    const removal = await desk.waitFor('the removal is in the log', () =>
      logged().find(({ method, status }) => method === 'DELETE' && status === 204),
    );
    for (const expected of [200, 401]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const answer = await desk.waitFor(`an agent is answered ${expected}`, () =>
        logged().find(({ route, status }) => route === '/v1/peers' && status === expected),
      );
      assert(answer.at - removal.at < REVOCATION_MS, `${expected} came ${answer.at - removal.at} ms after the removal`);
    }
    await desk.output('peerage', ['rm', 'maeve', '--yes']);
    assert.equal(await fetched(), '401');
  });
});

/** The requests that a registry has logged, and when it did. */
function requestsIn(log: string): { at: number; method: string; route: string; status: number }[] {
  return [...log.matchAll(/^(\S+) INFO \(registry\) request (\{.*\})$/gm)].map(([, at = '', fields = '']) => ({
    ...(JSON.parse(fields) as { method: string; route: string; status: number }), // what app.ts logs
    at: Date.parse(at),
  }));
}
