import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { peerage, run } from './peerage.ts';

const folder = mkdtempSync(join(tmpdir(), 'peerage-completion-'));
after(() => rmSync(folder, { recursive: true }));

const SHELLS = ['bash', 'zsh', 'fish'] as const;
const scripts = await Promise.all(SHELLS.map(async (shell) => (await peerage(['completion', shell])).stdout));
SHELLS.forEach((shell, i) => writeFileSync(join(folder, shell), scripts[i]!));

/** What bash offers behind these words. */
async function complete(...words: string[]): Promise<string[]> {
  const script = `source '${join(folder, 'bash')}'
    COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}) COMP_CWORD=${words.length - 1}
    _peerage; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr } = await run('bash', ['-c', script]);
  assert.equal(stderr, '');
  return stdout.split('\n').filter((line) => line !== '');
}

describe('completion', () => {
  for (const shell of SHELLS)
    it(`is a script that ${shell} understands`, async (context) => {
      const checked = await run(shell, ['-n', join(folder, shell)]).catch(() => undefined);
      if (checked === undefined) return context.skip(`${shell} is missing`);
      assert.deepEqual(checked, { exitCode: 0, stdout: '', stderr: '' });
    });

  it('offers commands', async () => {
    assert.deepEqual(await complete('peerage', 'gen'), ['genkey', 'genpsk']);
    assert.ok((await complete('peerage', '')).includes('--version'));
  });

  it('offers the options of a command, and the choices of its argument', async () => {
    assert.deepEqual(await complete('peerage', 'plan', '--su'), ['--suffix', '--subnet']);
    assert.deepEqual(await complete('peerage', 'check', 'a.conf', '--j'), ['--json']);
    assert.deepEqual(await complete('peerage', 'completion', ''), ['bash', 'zsh', 'fish', '--help']);
  });

  it('leaves files to the shell', async () => {
    assert.deepEqual(await complete('peerage', 'check', '/etc/'), []);
  });

  it('knows every command in every shell', () => {
    const names = [...scripts[2]!.matchAll(/is_at ""' -a '([a-z]+)'/g)].map((match) => match[1]!);
    assert.ok(names.includes('genkey') && names.includes('plan'));
    for (const script of scripts) for (const name of names) assert.ok(script.includes(name), name);
  });
});
