/** Joining when the registry is not to be trusted, when its answer is lost, and when the host is stopped half-way. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { Host } from '../interop/lab/host.ts';
import { Lab } from '../interop/lab/lab.ts';
import { labOptions } from '../interop/lab/requirements.ts';

const HOSTILE_REGISTRY = fileURLToPath(new URL('programs/hostile-registry.ts', import.meta.url));
const LINK = `http://127.0.0.1:8099/pgt_${'A'.repeat(43)}`;
const CONFIG = '/etc/wireguard/wg0.conf';

describe('a host that joins', labOptions(), () => {
  let lab: Lab;
  let host: Host;

  before(async () => {
    lab = await Lab.open();
    host = await lab.host('victim');
    const registry = await host.spawn('node', [HOSTILE_REGISTRY]);
    await host.waitFor('the registry listens', () => registry.stdout.includes('listening'));
  });
  after(async () => lab[Symbol.asyncDispose]());
  beforeEach(async () => {
    await host.run('peerage', ['leave', '--force']);
    await host.output('sh', ['-c', 'rm -f /etc/wireguard/*']);
  });

  const join = (name: string, ...more: string[]) => host.run('peerage', ['join', LINK, '--name', name, ...more]);
  const leftFiles = () => host.output('find', ['/etc/wireguard', '/var/lib/peerage', '!', '-type', 'd']);

  it('runs no line that a registry put into a name', async () => {
    const { exitCode, stderr } = await join('lines');
    assert.equal(exitCode, 1);
    assert.match(stderr, /What answered is not a Peerage registry/);
    assert.equal((await host.run('test', ['-e', '/run/pwned'])).exitCode, 1);
    assert.doesNotMatch(await host.output('cat', [CONFIG]), /PreUp/);
  });

  it('lets no registry draw its default route, in halves neither', async () => {
    const { exitCode, stderr } = await join('wide');
    assert.equal(exitCode, 0, stderr);
    assert.match(await host.output('cat', [CONFIG]), /^AllowedIPs = 10\.1\.1\.9\/32$/m);
    const routes = (await host.output('ip', ['route'])) + (await host.output('ip', ['-6', 'route']));
    assert.doesNotMatch(routes, /default|\/1 /);
    assert.doesNotMatch(await host.output('ip', ['rule']), /suppress_prefixlength/);
  });

  it('lets no registry draw it in many parts', async () => {
    const { exitCode, stderr } = await join('parts');
    assert.equal(exitCode, 1);
    assert.match(stderr, /would draw the public Internet to them/);
    assert.doesNotMatch(await host.output('cat', [CONFIG]), /Peer/);
  });

  it('keeps its key when an answer was lost, and says how to mend it when the token is used then', async () => {
    assert.match((await join('lost')).stderr, /cannot reach/);
    const key = await host.output('cat', [CONFIG]);
    const again = await join('lost');
    assert.equal(again.exitCode, 1);
    assert.match(again.stderr, /Used up\./);
    assert.match(again.stderr, /peerage rm lost\), and take a new token/);
    assert.equal(await host.output('cat', [CONFIG]), key);
    assert.equal((await join('teddy')).exitCode, 0, 'the kept key is used by the next try');
    assert.match(
      await host.output('cat', [CONFIG]),
      new RegExp(key.match(/PrivateKey = (.*)/)![1]!.replaceAll('+', '\\+')),
    );
  });

  it('is not told to have itself removed when something else is wrong', async () => {
    await join('lost'); // its key stays
    const { exitCode, stderr } = await join('forbidden');
    assert.equal(exitCode, 1);
    assert.match(stderr, /good for the name teddy only\./);
    assert.doesNotMatch(stderr, /peerage rm/);
  });

  it('asks for nothing while there is no room for the answer, which comes once', async () => {
    await host.output('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', '/var/lib/peerage']);
    try {
      const { exitCode, stderr } = await join('lost');
      assert.equal(exitCode, 1);
      assert.match(stderr, /cannot write \/var\/lib\/peerage\/wg0\.\S+: no space left/);
      assert.equal(await leftFiles(), '');
    } finally {
      await host.output('umount', ['/var/lib/peerage']);
    }
  });

  it('is told which of its routes wait, and for whom', async () => {
    const { exitCode, stderr } = await join('teddy', '--routes', '172.27.88.0/24');
    assert.equal(exitCode, 0, stderr);
    assert.match(stderr, /^Waiting: 172\.27\.88\.0\/24\n.*: peerage route approve teddy$/m);
  });

  it('whose file others can read is told so by `up`, and not again and again by its agent', async () => {
    assert.equal((await join('teddy')).exitCode, 0);
    await host.output('peerage', ['down', 'wg0']);
    // Without its peer, so that the agent has something to repair when it looks at the file.
    await host.output('sh', [
      '-c',
      `sed -i '/^\\[Peer\\]/,$d' ${CONFIG}; chmod 755 /etc/wireguard; chmod 644 ${CONFIG}`,
    ]);
    assert.match((await host.run('peerage', ['up', 'wg0'])).stderr, /world accessible/);
    await host.waitFor('the agent has looked', async () =>
      (await host.output('peerage', ['show', 'wg0', 'peers'])).includes('hSDwCYkwp1R0i33ctD73Wg2'),
    );
    assert.doesNotMatch(await host.output('cat', ['/run/peerage/wg0.log']), /world accessible/);
  });

  it('that was stopped between its two files goes on where it was stopped', async () => {
    assert.equal((await join('teddy')).exitCode, 0);
    const whole = await host.output('cat', [CONFIG]);
    await host.output('peerage', ['down', 'wg0']);
    // What is there before the answer is written into it: the private key, and nothing else.
    const key = /^PrivateKey = .*$/m.exec(whole)![0];
    await host.output('tee', [CONFIG], { input: `[Interface]\n${key}\n` });
    const again = await join('teddy');
    assert.equal(again.exitCode, 0, again.stderr);
    assert.equal(await host.output('cat', [CONFIG]), whole);
    assert.match(again.stdout, /wg0 is up: 10\.1\.1\.2\/24/);
    await host.output('peerage', ['leave', '--force']);
    assert.equal(await leftFiles(), '');
  });

  it('leaves although its file was damaged, and although one of its lines fails', async () => {
    const state = () =>
      host.output('sh', ['-c', 'ip -brief link; ip rule; ip route show table all type unicast; nft list ruleset']);
    const before = await state();
    for (const damage of [
      's/^AllowedIPs/AllowedIpz/; $aTable =',
      's/^Address.*/Address = 10.1.1.300\\nTable = a b\\nSaveConfig = maybe/',
      's/^\\[Interface\\]/&\\nPreDown = exit 3/',
      's/.*/x/',
    ]) {
      assert.equal((await join('teddy')).exitCode, 0);
      await host.output('sed', ['-i', damage, CONFIG]);
      const { exitCode, stderr } = await host.run('peerage', ['leave', '--force']);
      assert.equal(exitCode, 0, `${damage}: ${stderr}`);
      assert.match(stderr, /^Warning: /m);
      assert.equal(await leftFiles(), '');
      assert.equal(await state(), before);
    }
    assert.equal((await join('teddy')).exitCode, 0);
    await host.output('rm', [CONFIG]);
    assert.equal((await host.run('peerage', ['leave', '--force'])).exitCode, 0);
    assert.equal(await leftFiles(), '');
    assert.equal(await state(), before);
  });
});
