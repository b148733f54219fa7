import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { openrcScript } from '../../../src/cli/service/openrc-script.ts';
import { systemdUnit } from '../../../src/cli/service/systemd-unit.ts';
import { programOptions } from '../../interop/lab/requirements.ts';
import { MAIN, peerage, run } from '../peerage.ts';

const ANALYZE = '/usr/bin/systemd-analyze';
const needsSystemd = programOptions('systemd-analyze');

/** `systemd-analyze security`: 0 is a service that can do nothing, 10 one that can do everything. Of ten times that. */
const EXPOSURE = { interface: 40, registry: 20 };

describe('peerage service install --dir', () => {
  let folder: string;
  before(() => (folder = mkdtempSync(`${tmpdir()}/peerage-units-`)));
  after(() => rmSync(folder, { recursive: true }));

  it('writes units that systemd has nothing to say against', needsSystemd, async () => {
    const written = await peerage(['service', 'install', 'wg0', '--registry', '--dir', folder]);
    assert.equal(written.exitCode, 0, written.stderr);
    for (const unit of ['peerage@.service', 'peerage-registry.service']) {
      const { stdout, stderr } = await promisify(execFile)(ANALYZE, ['verify', '--man=no', `${folder}/${unit}`]);
      assert.deepEqual(aboutOurs(stdout + stderr), [], unit);
      assert.equal(statSync(`${folder}/${unit}`).mode & 0o777, 0o644);
    }
  });

  it('writes units that systemd finds well locked up', needsSystemd, async () => {
    await peerage(['service', 'install', 'wg0', '--registry', '--dir', folder]);
    for (const [unit, threshold] of [
      ['peerage@.service', EXPOSURE.interface],
      ['peerage-registry.service', EXPOSURE.registry],
    ] as const) {
      const args = ['security', '--offline=yes', `--threshold=${threshold}`, '--no-pager', `${folder}/${unit}`];
      const { exitCode, stdout, stderr } = await run(ANALYZE, args);
      assert.equal(exitCode, 0, stdout.split('\n').slice(-3).join('\n') + stderr);
    }
  });

  it('writes OpenRC scripts that dash and busybox can read, and may be run', async () => {
    await peerage(['service', 'install', 'wg0', '--registry', '--openrc', '--dir', folder]);
    for (const name of ['peerage', 'peerage-registry']) {
      assert.equal(statSync(`${folder}/${name}`).mode & 0o777, 0o755);
      for (const shell of ['dash', 'busybox sh']) {
        const result = await run('sh', ['-c', `${shell} -n "$1"`, 'sh', `${folder}/${name}`]);
        assert.deepEqual(result, { exitCode: 0, stdout: '', stderr: '' });
      }
    }
  });

  it('uninstall takes them away again', async () => {
    await peerage(['service', 'install', '--dir', folder]);
    assert.equal((await peerage(['service', 'uninstall', '--dir', folder])).exitCode, 0);
    assert.equal(existsSync(`${folder}/peerage@.service`), false);
  });

  it('print shows the same, with the program that is really there', async () => {
    const { stdout } = await peerage(['service', 'print']);
    assert.ok(stdout.includes(`\nExecStart=${process.execPath} ${MAIN} service run $PEERAGE_UP_OPTIONS %i\n`), stdout);
    assert.ok(existsSync(process.execPath) && existsSync(MAIN));
    const registry = await peerage(['service', 'print', '--registry', '--openrc']);
    assert.match(registry.stdout, /^#!\/sbin\/openrc-run\n/);
  });
});

describe('service files', () => {
  const odd = ['/opt/our 100% "best" node', `/srv/it's/$HOME/main.ts`] as const;

  it('a path with characters that systemd reads otherwise is quoted', () => {
    const { text } = systemdUnit('interface', odd);
    assert.ok(
      text.includes(String.raw`ExecReload="/opt/our 100%% \"best\" node" "/srv/it's/$$HOME/main.ts" service reload %i`),
    );
  });

  it('and one with characters that a shell reads otherwise arrives whole', async () => {
    // The script's own functions, with the program replaced by one that shows its words.
    const { text } = openrcScript('interface', ['printf', '%s\\n', ...odd]);
    const script = `RC_SVCNAME=peerage.wg0; ebegin() { :; }; eend() { return "$1"; }\n${text}\npeerage_up_options="--a --b"; start; reload`;
    const { stdout } = await run('dash', ['-c', script]);
    const words = (...last: string[]): string => [...odd, ...last].map((word) => `${word}\n`).join('');
    assert.equal(stdout, words('up', '--a', '--b', 'wg0') + words('service', 'reload', 'wg0'));
  });

  it('an OpenRC script without an interface in its name says what to do', async () => {
    const { text } = openrcScript('interface', ['false']);
    const script = `RC_SVCNAME=peerage; ebegin() { :; }; eend() { echo "$2"; return "$1"; }\n${text}\nstart`;
    const { exitCode, stdout } = await run('dash', ['-c', script]);
    assert.equal(exitCode, 1);
    assert.match(stdout, /ln -s peerage \/etc\/init\.d\/peerage\.wg0/);
  });

  it('the registry of OpenRC gets its words in one piece', async () => {
    const { text } = openrcScript('registry', odd);
    const script = `peerage_registry_options="--listen 127.0.0.1:1"\n${text}\neval "printf '%s\\n' $command_args"; echo "$command"`;
    const { stdout } = await run('dash', ['-c', script]);
    const options = ['registry', 'serve', '--db', '/var/lib/peerage-registry/registry.db', '--listen', '127.0.0.1:1'];
    assert.equal(stdout, [odd[1], ...options, odd[0]].map((word) => `${word}\n`).join(''));
  });
});

/** The rest is about other units of this machine. */
function aboutOurs(messages: string): string[] {
  return messages.split('\n').filter((line) => line.includes('peerage'));
}
