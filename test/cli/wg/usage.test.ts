import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isUnprivileged, labOptions } from '../../interop/lab/requirements.ts';
import { BesideWg } from './beside-wg.ts';

const KEY = 'xFXzNIDQ5NJkY0Pgg5hG1fZg0RAD51nnu5MMBbhlpCg=';

const USAGE = [
  '--help',
  '-h',
  'help',
  '--version',
  '-v',
  'version',
  'nonsense',
  '--nonsense',
  'help show',
  'constructor',
  'show --help',
  'show -h',
  'show help',
  'show help extra',
  'show wg0 dump extra',
  'show interfaces extra',
  'show wg0 nonsense',
  'show all nonsense',
  'show wg0 constructor',
  'showconf',
  'showconf wg0 extra',
  'showconf --help',
  'set',
  'set wg0',
  'set --help',
  'setconf',
  'setconf wg0',
  'setconf wg0 file extra',
  'addconf --help',
  'syncconf wg0',
  'genkey extra',
  'genpsk --help',
  'pubkey extra',
].map((line) => line.split(' '));

const NO_TUNNEL = [
  ['show', 'wg9'],
  ['show', 'wg9', 'nonsense'],
  ['show', '../wg0'],
  ['show', 'a-name-that-is-longer-than-any'],
  ['show', ''],
  ['showconf', 'wg9'],
  ['set', 'wg9', 'listen-port', '1'],
  ['setconf', 'wg9', '/dev/null'],
  ['addconf', 'wg9', '/dev/null'],
];

describe('called as wg, the program', labOptions('wg'), () => {
  let beside: BesideWg;
  before(async () => {
    beside = await BesideWg.open();
    await beside.serve('wg0', 'listen_port=1\nerrno=0\n\n');
  });
  after(() => beside[Symbol.asyncDispose]());

  it('says what wg says of itself and of wrong usage', async () => {
    for (const args of USAGE) await beside.same(args);
  });

  it('says what wg says where there is no tunnel', async () => {
    for (const args of NO_TUNNEL) assert.equal((await beside.same(args)).exitCode, 1);
  });

  it('says what wg says of keys', async () => {
    for (const input of [
      '',
      'short',
      KEY,
      `${KEY}\n\n \t\0`,
      ` ${KEY}`,
      `${KEY}x`,
      `${KEY.slice(0, -1)}\n`,
      'A'.repeat(44),
    ])
      await beside.same(['pubkey'], { input });
  });

  it('makes keys that wg takes', async () => {
    for (const command of ['genkey', 'genpsk']) {
      const { stdout, stderr, exitCode } = await beside.ours([command]);
      assert.deepEqual([stderr, exitCode], ['', 0]);
      assert.equal((await beside.same(['pubkey'], { input: stdout })).exitCode, 0);
    }
  });

  it('says what wg says to one who is not root', async (context) => {
    if (isUnprivileged) return context.skip('in the namespace of a user there is no other user');
    const nobody = ['--reuid=65534', '--regid=65534', '--clear-groups', 'wg'];
    const asNobody = async (folder: string, args: readonly string[]) =>
      beside.host.run('sh', ['-c', 'PATH="$0:$PATH"; setpriv "$@"', folder, ...nobody, ...args]);
    const lists = [[], ['show', 'interfaces'], ['show', 'all', 'dump']];
    for (const [mode, calls] of [
      ['755', [...lists, ['show', 'wg0'], ['showconf', 'wg0'], ['set', 'wg0', 'fwmark', '1']]],
      ['700', lists], // and of a socket that it cannot see, wg says what a kernel without WireGuard says
    ] as const)
      for (const args of calls) {
        await beside.host.output('chmod', [mode, '/run/wireguard']);
        assert.deepEqual(
          await asNobody('/run/ours', args),
          await asNobody('/usr/bin', args),
          `${mode} ${args.join(' ')}`,
        );
      }
    await beside.host.output('chmod', ['755', '/run/wireguard']);
  });

  it('lists no tunnels where there are none', async () => {
    await using empty = await BesideWg.open();
    for (const args of [
      [],
      ['show'],
      ['show', 'all'],
      ['show', 'all', 'dump'],
      ['show', 'all', 'nonsense'],
      ['show', 'interfaces'],
    ])
      assert.equal((await empty.same(args)).exitCode, 0);
  });
});
