import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import type { Host } from '../../interop/lab/host.ts';
import { labOptions } from '../../interop/lab/requirements.ts';
import { BesideWgQuick } from './beside-wg-quick.ts';

const INTERFACE = `[Interface]
PrivateKey = gN42kTUpFOQsMbA8Vv1r83QE5ssPPCqG92wQjfbSDXY=
ListenPort = 51999
Address = 10.9.0.1/24, fd00:9::1/64
`;
const DEFAULT_PEER = `
[Peer]
PublicKey = Zi4U/VlFVvUiYEcDNANRJYkDtk81VTdj8ZQmqypRXFg=
AllowedIPs = 0.0.0.0/0, ::/0
`;

describe('wg-quick, when something is wrong', labOptions('wg-quick', 'nft', 'resolvconf'), () => {
  let hosts: BesideWgQuick;
  let untouched: string;

  before(async () => {
    hosts = await BesideWgQuick.open({ addresses: ['192.0.2.1/24', '2001:db8::1/64'] });
    await hosts.both((host) =>
      host.output('sh', ['-c', 'resolvconf -u; sysctl -qw net.ipv4.conf.all.src_valid_mark=1']),
    );
  });
  after(() => hosts[Symbol.asyncDispose]());
  beforeEach(async () => {
    await hosts.write('/etc/wireguard/wg0.conf', INTERFACE);
    untouched = (await hosts.state()).ours;
  });

  it('does not know a usage that is none', async () => {
    for (const args of [
      [],
      ['sideways', 'wg0'],
      ['up'],
      ['up', 'wg0', 'wg1'],
      ['--help'],
      ['help'],
      ['-h'],
      ['help', 'up'],
    ]) {
      const { theirs, ours } = await hosts.run(...args);
      assert.equal(ours.exitCode, theirs.exitCode, args.join(' '));
      assert.equal(ours.stderr.split('\n', 1)[0], theirs.stderr.split('\n', 1)[0]);
      assert.equal(ours.stdout, theirs.stdout);
    }
  });

  for (const command of ['up', 'down', 'save', 'strip'])
    it(`refuses to ${command} what there is not, or what cannot be an interface`, async () => {
      await hosts.write('/run/name-of-16-chars.conf', INTERFACE);
      await hosts.write('/run/wg0', INTERFACE);
      for (const file of ['wg1', './wg1.conf', '/run/name-of-16-chars.conf', '/run/wg0'])
        assert.match(
          (await hosts.same(command, file)).stderr,
          /^wg-quick: (?:`.*' does not exist|The config file must be .*)\n$/,
        );
      await hosts.write('/etc/wireguard/wg0.conf', `${INTERFACE}SaveConfig = maybe\n`);
      assert.equal((await hosts.same(command, 'wg0')).stderr, "wg-quick: `maybe' is neither true nor false\n");
    });

  for (const command of ['down', 'save'])
    it(`refuses to ${command} what is not up`, async () => {
      assert.equal((await hosts.same(command, 'wg0')).stderr, "wg-quick: `wg0' is not a WireGuard interface\n");
    });

  it('takes down what was up before its file was damaged, with its hooks', async () => {
    const file = `${INTERFACE}PostDown = echo %i is down\n`;
    await hosts.write('/etc/wireguard/wg0.conf', file);
    await hosts.same('up', 'wg0');
    await hosts.write('/etc/wireguard/wg0.conf', `${file}${DEFAULT_PEER}Endpiont = 192.0.2.2:51999\n`);
    const { theirs, ours } = await hosts.run('down', 'wg0');
    const warning = /^Warning: \/etc\/wireguard\/wg0\.conf:10: expected .*, found Endpiont\n/;
    assert.match(ours.stderr, warning);
    assert.deepEqual({ ...ours, stderr: ours.stderr.replace(warning, '') }, theirs);
    assert.equal(ours.stdout, 'wg0 is down\n');
    assert.equal((await hosts.state()).ours, untouched);
  });

  it('takes it down, name servers included, when a value of its own was damaged', async () => {
    const file = `${INTERFACE}DNS = 10.9.0.2\nTable = 77\n${DEFAULT_PEER}`;
    await hosts.write('/etc/wireguard/wg0.conf', file);
    await hosts.same('up', 'wg0');
    await hosts.write('/etc/wireguard/wg0.conf', file.replace('10.9.0.2', '10.9.0.2, !!').replace('77', '7 7'));
    const { theirs, ours } = await hosts.run('down', 'wg0');
    assert.deepEqual({ ...ours, stderr: ours.stderr.replaceAll(/^Warning: .*\n/gm, '') }, theirs);
    assert.equal(ours.exitCode, 0);
    assert.equal((await hosts.state()).ours, untouched);
  });

  it('tells a hook which interface of which file it is for, whatever the file was called', async () => {
    await hosts.write('/etc/wireguard/wg0.conf', `${INTERFACE}PostUp = echo $INTERFACE of $CONFIG_FILE\n`);
    await hosts.both((host) => host.output('ln', ['-sf', '/etc/wireguard/wg0.conf', '/run/link.conf']));
    for (const [file, name] of [
      ['wg0', 'wg0'],
      ['../etc/wireguard/wg0.conf', 'wg0'],
      ['/run/link.conf', 'link'],
    ] as const) {
      const { theirs, ours } = await hosts.run('up', file);
      assert.equal(theirs.stdout, `${name} of /etc/wireguard/wg0.conf\n`);
      assert.deepEqual([ours.stdout, ours.exitCode], [theirs.stdout, theirs.exitCode]);
      await hosts.run('down', file);
    }
  });

  it('lets a hook find what lies beside it before all else', async () => {
    const script = 'printf "#!/bin/sh\\necho \\"$0: \\$*\\"\\n" >"$0"; chmod 755 "$0"';
    for (const path of ['/run/ours/wg', '/run/bin/wg']) await hosts.ours.output('sh', ['-c', script, path]);
    await hosts.write('/etc/wireguard/wg0.conf', `${INTERFACE}PostUp = wg show %i fwmark\n`);
    const env = { ...hosts.envOf(hosts.ours), PATH: hosts.envOf(hosts.ours)['PATH']!.replace('/run/ours:', '') };
    const { stdout, stderr } = await hosts.ours.run('/run/ours/wg-quick', ['up', 'wg0'], { env });
    await hosts.ours.output('rm', ['/run/ours/wg', '/run/bin/wg']);
    await hosts.ours.output('/run/ours/wg-quick', ['down', 'wg0'], { env });
    assert.equal(stdout, '/run/ours/wg: show wg0 fwmark\n', stderr);
  });

  it('saves into a file that was damaged, and keeps what it cannot take over', async () => {
    const path = '/etc/wireguard/wg0.conf';
    await hosts.write(path, INTERFACE);
    await hosts.same('up', 'wg0');
    const damaged = `${INTERFACE}PostUp = echo up\nColour = red\n[Pear]\n`;
    await hosts.write(path, damaged);
    const { theirs, ours } = await hosts.run('save', 'wg0');
    assert.equal(theirs.exitCode, 0);
    assert.equal(ours.exitCode, 0, ours.stderr);
    assert.match(ours.stderr, /^Warning: \/etc\/wireguard\/wg0\.conf:6: .*found Colour$/m);
    assert.match(ours.stderr, /^Warning: the file as it was is now \/etc\/wireguard\/wg0\.conf\.old$/m);
    const saved = await hosts.both((host) => host.output('cat', [path]));
    assert.equal(saved.ours, saved.theirs.replaceAll(/^Address = fe80:.*\n/gm, ''));
    assert.equal(await hosts.ours.output('cat', [`${path}.old`]), damaged);
    assert.equal(await hosts.ours.output('stat', ['-c', '%a', `${path}.old`]), '600\n');
    await hosts.both((host) => host.output('rm', ['-f', `${path}.old`]));
    await hosts.same('down', 'wg0');
  });

  it('lets a hook read what it is given', async () => {
    await hosts.write('/etc/wireguard/wg0.conf', `${INTERFACE}PostUp = read x; echo "got:$x"\n`);
    const up = (host: Host) => host.run('sh', ['-c', 'echo answer | wg-quick up wg0'], { env: hosts.envOf(host) });
    const [theirs, ours] = await Promise.all([up(hosts.theirs), up(hosts.ours)]);
    assert.equal(theirs.stdout, 'got:answer\n');
    assert.deepEqual([ours.stdout, ours.exitCode], ['got:answer\n', 0]);
    await hosts.same('down', 'wg0');
  });

  it('warns of a file that everybody may read', async () => {
    await hosts.write('/etc/wireguard/wg0.conf', INTERFACE, '644');
    await hosts.both((host) => host.output('chmod', ['755', '/etc/wireguard']));
    const { stderr } = await hosts.same('up', 'wg0');
    await hosts.same('down', 'wg0');
    await hosts.both((host) => host.output('chmod', ['700', '/etc/wireguard']));
    assert.match(stderr, /^Warning: `\/etc\/wireguard\/wg0\.conf' is world accessible\n/);
  });

  const FAILURES: Readonly<Record<string, { file: string; exitCode: number }>> = {
    'an address that is there already': { file: `${INTERFACE}Address = 10.9.0.1/24\n`, exitCode: 2 },
    'a name without an address': { file: `${INTERFACE}${DEFAULT_PEER}Endpoint = nowhere.example.org:1\n`, exitCode: 1 },
    'a hook after all the rest': {
      file: `${INTERFACE}DNS = 10.9.0.2\nPostUp = echo before\nPostUp = exit 7; echo never\nPostUp = echo never\n${DEFAULT_PEER}`,
      exitCode: 7,
    },
    'one command of a hook': { file: `${INTERFACE}PostUp = false; echo never\n`, exitCode: 1 },
    'one command of a pipe in a hook': { file: `${INTERFACE}PostUp = false | true\n`, exitCode: 1 },
    'a routing table that cannot be': { file: `${INTERFACE}Table = nowhere\n${DEFAULT_PEER}`, exitCode: 255 },
  };
  for (const [what, { file, exitCode }] of Object.entries(FAILURES))
    it(`takes everything back because of ${what}`, async () => {
      await hosts.write('/etc/wireguard/wg0.conf', file);
      const up = await hosts.same('up', 'wg0');
      assert.equal(up.exitCode, exitCode, up.stderr);
      assert.match(up.stderr, /\[#\] ip link delete dev wg0\n$/);
      assert.equal((await hosts.state()).ours, untouched);
    });

  it('takes everything back because of the firewall', async () => {
    await hosts.write('/run/bin/nft', '#!/bin/sh\n[ "$1" != -f ] || exit 9\nexec /usr/sbin/nft "$@"\n', '755');
    await hosts.write('/etc/wireguard/wg0.conf', `${INTERFACE}${DEFAULT_PEER}`);
    const up = await hosts.same('up', 'wg0');
    await hosts.both((host) => host.output('rm', ['/run/bin/nft']));
    assert.equal(up.exitCode, 9, up.stderr);
    assert.equal((await hosts.state()).ours, untouched);
  });

  it('a hook that fails before the interface is there leaves nothing to take back', async () => {
    await hosts.write('/etc/wireguard/wg0.conf', `${INTERFACE}PreUp = exit 3\n`);
    const { ours } = await hosts.run('up', 'wg0');
    // Debian's goes on to delete an interface that is not there, and ends with 1.
    assert.deepEqual(ours, { exitCode: 3, stdout: '', stderr: '[#] exit 3\n' });
    assert.deepEqual(await hosts.state(), { theirs: untouched, ours: untouched });
  });
});
