/** Joining, staying current and leaving, with a real registry and real tunnels between hosts of the lab. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Host } from '../interop/lab/host.ts';
import { Lab } from '../interop/lab/lab.ts';
import type { RunningProcess } from '../interop/lab/process.ts';
import { labOptions } from '../interop/lab/requirements.ts';

const REGISTRY = 'http://203.0.113.1:8080';
const SECRET = /pg[ath]_[A-Za-z0-9_-]{20,}|PrivateKey/;

interface StatusJson {
  host: string;
  isUp: boolean;
  registry: { state: string };
  agent: { isRunning: boolean; state: string };
  notes: string[];
  peers: { name: string; endpoint: string | null; latestHandshake: string | null }[];
}

// One story: each test goes on where the one before it ended.
describe('a host of a registry', labOptions('curl', 'wg'), () => {
  let lab: Lab;
  let desk: Host;
  let dolores: Host;
  let teddy: Host;
  let registry: RunningProcess;

  before(async () => {
    lab = await Lab.open();
    [desk, dolores, teddy] = [await lab.host('desk'), await lab.host('dolores'), await lab.host('teddy')];
    const internet = await lab.switch();
    await lab.connect(desk, internet, { addresses: ['203.0.113.1/24'] });
    await lab.connect(dolores, internet, { addresses: ['203.0.113.2/24'] });
    await lab.connect(teddy, internet, { addresses: ['203.0.113.3/24'] });
    registry = await serve();
    const { adminKey } = JSON.parse(registry.stdout) as { adminKey: string };
    await desk.output('peerage', ['login', REGISTRY], { input: `${adminKey}\n` });
    await desk.output('peerage', ['network', 'add', 'home']);
  });
  after(async () => lab[Symbol.asyncDispose]());

  async function serve(): Promise<RunningProcess> {
    const process = await desk.spawn('peerage', ['registry', 'serve', '--listen', '203.0.113.1:8080', '--json']);
    await desk.waitFor('the registry listens', () => process.stdout.includes('\n'));
    return process;
  }

  async function token(...options: string[]): Promise<string> {
    const created = JSON.parse(await desk.output('peerage', ['token', '--json', ...options])) as { token: string };
    return created.token;
  }

  async function status(host: Host): Promise<StatusJson> {
    const [only] = JSON.parse(await host.output('peerage', ['status', '--json'])) as StatusJson[];
    return only!;
  }

  async function addressOf(host: Host): Promise<string> {
    const config = await host.output('cat', ['/etc/wireguard/wg0.conf']);
    return /^Address = ([\d.]+)/m.exec(config)?.[1] ?? '';
  }

  const allowedIps = (host: Host) => host.output('wg', ['show', 'wg0', 'allowed-ips']);

  it('joins with one command, and both are there for each other at once', async () => {
    const link = `${REGISTRY}/${await token()}`;
    const joined = await dolores.output('peerage', [
      'join',
      link,
      '--endpoint',
      '203.0.113.2:55867',
      '--listen-port',
      '55867',
      '--json',
    ]);
    assert.deepEqual((JSON.parse(joined) as { host: string; peers: string[] }).peers, []);
    // The token through a pipe, out of sight of other users.
    const second = await teddy.run('peerage', ['join', REGISTRY, '--routes', '172.27.88.0/24'], {
      input: `${await token('--route', '172.27.88.0/24')}\n`,
    });
    assert.equal(second.exitCode, 0, second.stderr);
    assert.match(second.stderr, /is not encrypted/);
    assert.doesNotMatch(second.stdout + second.stderr, SECRET);
    const [to, from] = [await addressOf(dolores), await addressOf(teddy)];
    await teddy.waitFor('dolores answers', () => teddy.canPing(to));
    await dolores.waitFor('teddy answers', () => dolores.canPing(from));
    await dolores.waitFor('the network behind teddy is routed', async () =>
      (await dolores.output('ip', ['route', 'get', '172.27.88.9'])).includes('dev wg0'),
    );
  });

  it('keeps its secrets in files that only root can read, and nowhere else', async () => {
    const files = await teddy.output('find', [
      '/etc/wireguard',
      '/var/lib/peerage',
      '/run/peerage',
      '-type',
      'f',
      '-printf',
      '%m %p\n',
    ]);
    assert.ok(files.split('\n').includes('600 /etc/wireguard/wg0.conf'));
    assert.equal(
      files
        .trim()
        .split('\n')
        .every((line) => line.startsWith('600 ')),
      true,
      files,
    );
    assert.doesNotMatch(await teddy.output('cat', ['/run/peerage/wg0.log']), SECRET);
    assert.doesNotMatch(await teddy.output('ps', ['-eo', 'args=']), SECRET);
  });

  it('tells the registry where it sees a host that has no address of its own', async () => {
    await desk.waitFor('the endpoint of teddy', async () =>
      /203\.0\.113\.3:\d+/.test(await desk.output('peerage', ['ls', '--json'])),
    );
  });

  it('says who it is, how its registry is, and how its peers are', async () => {
    const { host, isUp, registry, agent, peers } = await status(teddy);
    assert.deepEqual([host, isUp, registry.state, agent.isRunning], ['teddy', true, 'reachable', true]);
    assert.equal(peers[0]?.name, 'dolores');
    assert.notEqual(peers[0]?.latestHandshake, null);
    assert.match(await teddy.output('peerage', ['status']), /^dolores +10\..*203\.0\.113\.2:55867 .* ago/m);
  });

  it('that is joined already says so, and does not use the token', async () => {
    const spare = await token();
    const again = await teddy.run('peerage', ['join', `${REGISTRY}/${spare}`]);
    assert.equal(again.exitCode, 0);
    assert.match(again.stderr, /is "teddy" in the network "home" already; the token was not used/);
    const elsewhere = await teddy.run('peerage', ['join', `http://203.0.113.9/${spare}`]);
    assert.equal(elsewhere.exitCode, 1);
    assert.match(elsewhere.stderr, /has joined another network already/);
  });

  it('lives without the registry, and is current soon after its return', async () => {
    await registry.stop();
    await teddy.waitFor('the agent notices', async () => (await status(teddy)).agent.state === 'unavailable', {
      timeoutMs: 120_000,
    });
    assert.equal(await teddy.canPing(await addressOf(dolores)), true);
    assert.deepEqual((await status(teddy)).registry.state, 'unreachable');
    const refused = await teddy.run('peerage', ['leave']);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /Nothing was changed/);
    registry = await serve();
    await teddy.waitFor('the agent is current', async () => (await status(teddy)).agent.state === 'current', {
      timeoutMs: 240_000,
    });
  });

  it('keeps what a person wrote into its file', async () => {
    const edit = `sed -i 's/^# dolores$/# dolores, in San Francisco/; s/^ListenPort/MTU = 1400\\nListenPort/' /etc/wireguard/wg0.conf`;
    await teddy.output('sh', ['-c', edit]);
    const bernard = await lab.host('bernard');
    const { token: invitation } = JSON.parse(await desk.output('peerage', ['token', '--json'])) as { token: string };
    const publicKey = (await bernard.output('sh', ['-c', 'peerage genkey | peerage pubkey'])).trim();
    const form = ['--data-urlencode', 'name=bernard', '--data-urlencode', `publicKey=${publicKey}`];
    await desk.output('curl', ['-fsS', `${REGISTRY}/v1/enroll`, '-H', `Authorization: Bearer ${invitation}`, ...form]);
    const config = await teddy.waitFor('bernard in the file', async () => {
      const text = await teddy.output('cat', ['/etc/wireguard/wg0.conf']);
      return text.includes(publicKey) && text;
    });
    assert.match(config, /^# dolores, in San Francisco$/m);
    assert.match(config, /^MTU = 1400$/m);
    await desk.output('peerage', ['rm', 'bernard', '--yes']);
    await teddy.waitFor(
      'bernard gone',
      async () => !(await teddy.output('wg', ['show', 'wg0', 'peers'])).includes(publicKey),
    );
  });

  it('keeps a peer of its own, although a host of the network takes its key and asks for its prefix', async () => {
    const key = async () => (await teddy.output('sh', ['-c', 'peerage genkey | peerage pubkey'])).trim();
    const [office, mallory] = [await key(), await key()];
    const section = `\n[Peer]\n# my office, by hand\nPublicKey = ${office}\nAllowedIPs = 192.168.50.0/24\n`;
    await teddy.output('sh', ['-c', 'cat >> /etc/wireguard/wg0.conf'], { input: section });
    await teddy.output('sh', ['-c', 'wg-quick strip wg0 | peerage syncconf wg0 /dev/stdin']);
    const invitation = await token('--route', '192.168.50.128/25');
    const call = (path: string, credential: string, ...body: string[]) =>
      desk.output('curl', ['-fsS', REGISTRY + path, '-H', `Authorization: Bearer ${credential}`, ...body]);
    const form = ['--data-urlencode', 'name=mallory', '--data-urlencode', `publicKey=${mallory}`];
    const routes = ['--data-urlencode', 'routes=192.168.50.128/25'];
    const enrolled = await call('/v1/enroll', invitation, '-H', 'Accept: application/json', ...form, ...routes);
    const { hostKey } = JSON.parse(enrolled) as { hostKey: string };
    const log = () => teddy.output('cat', ['/run/peerage/wg0.log']);
    await teddy.waitFor('mallory is a peer', async () => (await allowedIps(teddy)).includes(mallory));
    assert.match(await log(), /192\.168\.50\.128\/25 of mallory stays with a peer of your own/);
    const rotate = (body: object) =>
      call('/v1/rotate', hostKey, '-H', 'Content-Type: application/json', '--data', JSON.stringify(body));
    await rotate({ publicKey: office });
    await teddy.waitFor('the announcement is seen', async () =>
      (await log()).includes('the next key of mallory is not'),
    );
    await rotate({ publicKey: office, use: true });
    await teddy.waitFor('mallory is left out', async () => !(await allowedIps(teddy)).includes(mallory));
    const expectOwn = async () => {
      assert((await allowedIps(teddy)).split('\n').includes(`${office}\t192.168.50.0/24`));
      assert((await teddy.output('cat', ['/etc/wireguard/wg0.conf'])).includes(section));
    };
    await expectOwn();
    assert.match(
      await teddy.output('peerage', ['status']),
      /note +mallory is left out: a peer of your own has its key/,
    );
    await desk.output('peerage', ['rm', 'mallory', '--yes']);
    await teddy.waitFor('mallory is forgotten', async () => (await status(teddy)).notes.length === 0);
    await expectOwn();
  });

  it('goes down and up again with its agent', async () => {
    await teddy.output('peerage', ['down', 'wg0']);
    const { isUp, agent } = await status(teddy);
    assert.deepEqual([isUp, agent.isRunning], [false, false]);
    await teddy.output('peerage', ['up', 'wg0']);
    await teddy.waitFor('dolores answers', async () => teddy.canPing(await addressOf(dolores)));
    assert.equal((await status(teddy)).agent.isRunning, true);
  });

  it('enrols again without a token when its configuration was lost, with the key of its running tunnel', async () => {
    const before = await teddy.output('cat', ['/etc/wireguard/wg0.conf']);
    await teddy.output('rm', ['/etc/wireguard/wg0.conf']);
    const again = await teddy.run('peerage', ['join', REGISTRY]);
    assert.equal(again.exitCode, 0, again.stderr);
    assert.match(again.stderr, /wg0\.conf was lost, and is there again/);
    const line = (text: string, key: string) => new RegExp(`^${key} = .*$`, 'm').exec(text)?.[0];
    const after = await teddy.output('cat', ['/etc/wireguard/wg0.conf']);
    for (const key of ['PrivateKey', 'Address', 'ListenPort', 'PublicKey'])
      assert.equal(line(after, key), line(before, key), key);
    assert.equal(await teddy.canPing(await addressOf(dolores)), true);
  });

  it('enrols again when its key was lost as well: the others follow it to a new one', async () => {
    await teddy.output('peerage', ['down', 'wg0']);
    await teddy.output('rm', ['/etc/wireguard/wg0.conf']);
    const unnamed = await teddy.run('peerage', ['join', REGISTRY, '--name', 'maeve']);
    assert.deepEqual([unnamed.exitCode, /is "teddy" in the network "home" already/.test(unnamed.stderr)], [1, true]);
    const again = await teddy.run('peerage', ['join', REGISTRY, '--routes', '172.27.126.0/24']);
    assert.equal(again.exitCode, 0, again.stderr);
    assert.match(again.stderr, /Its private key was lost: the others are told of a new one/);
    await teddy.waitFor('dolores answers', async () => teddy.canPing(await addressOf(dolores)));
    assert.match(await desk.output('peerage', ['ls']), /^teddy .* 172\.27\.126\.0\/24 \(waits\)/m);
  });

  it('leaves, and nothing of it is left: not here, not at the others', async () => {
    const key = (await teddy.output('wg', ['show', 'wg0', 'public-key'])).trim();
    await teddy.output('peerage', ['leave']);
    assert.equal(
      await teddy.output('find', [
        '/etc/wireguard',
        '/var/lib/peerage',
        '/run/peerage',
        '/run/wireguard',
        '!',
        '-type',
        'd',
      ]),
      '',
    );
    // The daemon closes its socket, for which `leave` waits, a moment before it ends.
    await teddy.waitFor(
      'its processes have ended',
      async () => !/peerage|main\.ts/.test(await teddy.output('ps', ['-eo', 'args='])),
    );
    await dolores.waitFor(
      'dolores drops it',
      async () => !(await dolores.output('cat', ['/etc/wireguard/wg0.conf'])).includes(key),
    );
    assert.doesNotMatch(await dolores.output('ip', ['route']), /172\.27\.88/);
  });

  it('that was removed stops asking, says so, and keeps its tunnel', async () => {
    await desk.output('peerage', ['rm', 'dolores', '--yes']);
    await dolores.waitFor('the agent ends', async () => {
      const { agent } = await status(dolores);
      return agent.state === 'refused' && !agent.isRunning;
    });
    const { isUp, registry } = await status(dolores);
    assert.deepEqual([isUp, registry.state], [true, 'refused']);
    assert.match(await dolores.output('cat', ['/run/peerage/wg0.log']), /does not know this host any more/);
    assert.match(
      await dolores.output('peerage', ['status']),
      /refused: The credential is .* revoked\.\n.* not running: peerage leave --force wg0, then peerage join/,
    );
    const again = await dolores.run('peerage', ['join', REGISTRY]);
    assert.deepEqual([again.exitCode, /peerage leave --force wg0, then join/.test(again.stderr)], [1, true]);
    await dolores.output('peerage', ['leave']);
  });

  it('may keep itself current in the foreground, until it is told to end; the tunnel stays', async () => {
    const agent = await teddy.spawn('peerage', ['join', `${REGISTRY}/${await token()}`, '--foreground']);
    await teddy.waitFor('it is current', async () => (await status(teddy)).agent.state === 'current');
    assert.equal((await status(teddy)).agent.isRunning, true);
    await agent.signal('SIGTERM');
    await teddy.waitFor('it ends', () => agent.hasExited);
    assert.match(agent.stderr, /wg0: ended/);
    const { isUp, agent: after } = await status(teddy);
    assert.deepEqual([isUp, after.isRunning], [true, false]);
    const [, advice = ''] = /not running: (.+)$/m.exec(await teddy.output('peerage', ['status'])) ?? [];
    await teddy.output('sh', ['-c', advice]);
    await teddy.waitFor('it is current again', async () => (await status(teddy)).agent.isRunning);
    await teddy.output('peerage', ['leave']);
  });

  it('leaves a file alone that somebody else wrote', async () => {
    await teddy.output('sh', [
      '-c',
      'echo "[Interface]\nPrivateKey = $(peerage genkey)\nListenPort = 5" > /etc/wireguard/wg0.conf',
    ]);
    const before = await teddy.output('cat', ['/etc/wireguard/wg0.conf']);
    const refused = await teddy.run('peerage', ['join', `${REGISTRY}/${await token()}`]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /exists and was not written by `peerage join`/);
    assert.equal(await teddy.output('cat', ['/etc/wireguard/wg0.conf']), before);
    await teddy.output('rm', ['/etc/wireguard/wg0.conf']);
  });

  it('does not leave half of anything behind when its token is refused', async () => {
    const refused = await teddy.run('peerage', ['join', `${REGISTRY}/pgt_${'x'.repeat(43)}`]);
    assert.equal(refused.exitCode, 1);
    assert.match(refused.stderr, /refused to enrol "teddy"/);
    assert.doesNotMatch(refused.stderr, SECRET);
    assert.equal(await teddy.output('find', ['/etc/wireguard', '/var/lib/peerage', '!', '-type', 'd']), '');
  });
});
