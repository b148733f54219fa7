import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { ProcessResult, RunningProcess } from '../../interop/lab/process.ts';
import { labOptions } from '../../interop/lab/requirements.ts';
import { BesideWg } from './beside-wg.ts';

const KEY = 'xFXzNIDQ5NJkY0Pgg5hG1fZg0RAD51nnu5MMBbhlpCg=';

describe('called as peerage, the program', labOptions('wg'), () => {
  let beside: BesideWg;
  let tunnel: RunningProcess;
  before(async () => {
    beside = await BesideWg.open();
    tunnel = await beside.serve('wg0', 'errno=0\n\n');
  });
  after(() => beside[Symbol.asyncDispose]());

  const peerage = (...args: string[]): Promise<ProcessResult> => beside.host.run('peerage', args);

  async function refused(exitCode: number, message: RegExp, ...args: string[]): Promise<void> {
    const told = tunnel.stdout;
    const result = await peerage(...args);
    assert.deepEqual([result.exitCode, result.stdout], [exitCode, ''], result.stderr);
    assert.match(result.stderr, message);
    assert.equal(tunnel.stdout, told);
  }

  it('has the commands of wg', async () => {
    await beside.write('/run/peer.conf', `[Peer]\nPublicKey = ${KEY}\n`);
    for (const args of [
      ['set', 'wg0', 'listen-port', '7', 'peer', KEY, 'remove'],
      ['setconf', 'wg0', '/run/peer.conf'],
      ['addconf', 'wg0', '/run/peer.conf'],
    ]) {
      const before = tunnel.stdout.length;
      assert.deepEqual(await peerage(...args), { exitCode: 0, stdout: '', stderr: '' });
      await beside.host.waitFor(
        'it is recorded',
        () => tunnel.stdout.length > before && tunnel.stdout.endsWith('\n\n'),
      );
      assert.equal(await beside.sameChange(tunnel, args), tunnel.stdout.slice(before).split(/(?<=\n\n)/, 1)[0]);
    }
    assert.equal((await peerage('showconf', 'wg0')).stdout, (await beside.theirs(['showconf', 'wg0'])).stdout);
  });

  it('says in its own words what is wrong, and exits with 2 for wrong usage', async () => {
    await refused(2, /^peerage: Invalid argument: colour\n$/, 'set', 'wg0', 'colour', 'red');
    await refused(2, /^peerage: Fwmark is neither .*: `high'\n$/, 'set', 'wg0', 'fwmark', 'high');
    await refused(
      2,
      /^peerage: listen-port: expected a port .*, found "65536"\n$/,
      'set',
      'wg0',
      'listen-port',
      '65536',
    );
    await refused(2, /^peerage: endpoint: expected a port .*\n$/, 'set', 'wg0', 'peer', KEY, 'endpoint', '[::1]:65536');
    await refused(2, /^peerage: missing required argument 'setting'/, 'set', 'wg0');
    await refused(1, /^peerage: there is no tunnel wg9\n {2}Bring it up/, 'set', 'wg9', 'fwmark', '1');
    await refused(1, /^peerage: there is no tunnel wg9\n/, 'showconf', 'wg9');
    await refused(1, /^peerage: `\/run\/missing' does not exist\n$/, 'set', 'wg0', 'private-key', '/run/missing');
    await refused(1, /^peerage: `\/run\/missing' does not exist\n$/, 'setconf', 'wg0', '/run/missing');
  });

  it('names the line of a file, and tells all its mistakes at once', async () => {
    await beside.write('/run/wrong.conf', '[Interface]\nListenPort = high\nFwMark = low\n');
    await refused(
      1,
      /^peerage: \/run\/wrong\.conf:2: ListenPort: [^]*\/run\/wrong\.conf:3: FwMark: /,
      'setconf',
      'wg0',
      '/run/wrong.conf',
    );
    await beside.write('/run/wrong.conf', '[Peer]\n\nPublicKey = ' + KEY + '\nAllowedIPs =\n');
    await refused(1, /^peerage: \/run\/wrong\.conf:4: Line unrecognized\n$/, 'addconf', 'wg0', '/run/wrong.conf');
  });

  it('never repeats a secret', async () => {
    const secret = 'c2VjcmV0'.repeat(6);
    await beside.write('/run/key', secret.slice(0, 44));
    await beside.write('/run/wg0.conf', `[Interface]\nPrivateKey = ${secret}\n`);
    for (const args of [
      ['set', 'wg0', 'private-key', '/run/key'],
      ['set', 'wg0', 'peer', KEY, 'preshared-key', '/run/key'],
      ['setconf', 'wg0', '/run/wg0.conf'],
    ]) {
      const { exitCode, stderr } = await peerage(...args);
      assert.ok(exitCode !== 0 && stderr !== '');
      assert.ok(!stderr.includes('c2VjcmV0'), stderr);
    }
  });
});
