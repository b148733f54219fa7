/** What each shell offers, and that it does so for every command at every level. */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { completionNodes } from '../../src/cli/completion-tree.ts';
import { createProgram } from '../../src/cli/program.ts';
import { programOptions } from '../interop/lab/requirements.ts';
import { peerage, run } from './peerage.ts';
import { quietPorts } from './quiet-ports.ts';

const folder = mkdtempSync(join(tmpdir(), 'peerage-completion-'));
after(() => rmSync(folder, { recursive: true }));

const SHELLS = ['bash', 'zsh', 'fish'] as const;
type Shell = (typeof SHELLS)[number];

const nodes = completionNodes(await createProgram(undefined, quietPorts([])));
const scripts = Object.fromEntries(
  await Promise.all(
    SHELLS.map(async (shell): Promise<[Shell, string]> => [shell, (await peerage(['completion', shell])).stdout]),
  ),
) as Record<Shell, string>; // of these shells

/** In place of the system's: wg0 runs and has a file, wg1 has a file, odd ones are of nobody. */
for (const [name, files] of [
  ['empty', []],
  ['run', ['wg0.sock', 'utun 7.sock']],
  ['etc', ['wg0.conf', 'wg1.conf', 'notes.txt', '$(touch seen).conf']],
] as const) {
  mkdirSync(join(folder, name));
  for (const file of files) writeFileSync(join(folder, name, file), '');
}
for (const shell of SHELLS) {
  const script = scripts[shell]
    .replaceAll('/var/run/wireguard', join(folder, 'run'))
    .replaceAll('/etc/wireguard', join(folder, 'etc'));
  writeFileSync(join(folder, shell), script);
}

/** What is offered in place of the last of these words. */
const COMPLETE: Readonly<Record<Shell, (words: readonly string[]) => Promise<string[]>>> = {
  async bash(words) {
    const script = `source '${join(folder, 'bash')}'
      COMP_WORDS=(${quoted(words)}) COMP_CWORD=${words.length - 1}
      _peerage; printf '%s\\n' "\${COMPREPLY[@]}"`;
    return linesOf(await run('bash', ['-c', script]));
  },
  // Its parts that offer, in which zsh itself would look up what was typed.
  async zsh(words) {
    const script = `compdef() {}; _files() {}
      _describe() { print -rl -- \${\${(P)@[-1]}%%:*} }
      _wanted() { print -rl -- \${(P)@[-1]} }
      source '${join(folder, 'zsh')}'
      words=(${quoted(words)}) CURRENT=${words.length}
      _peerage`;
    const offered = linesOf(await run('zsh', ['-fc', script]));
    return offered.filter((word) => word.startsWith(words.at(-1)!));
  },
  async fish(words) {
    const env = { HOME: folder, XDG_CONFIG_HOME: folder };
    const script = `cd '${join(folder, 'empty')}'; source '${join(folder, 'fish')}'; complete -C '${words.join(' ')}'`;
    return linesOf(await run('fish', ['--no-config', '-c', script], { env })).map((line) => line.split('\t')[0]!);
  },
};

function quoted(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(' ');
}

function linesOf({ stdout, stderr }: { stdout: string; stderr: string }): string[] {
  assert.equal(stderr, '');
  return stdout.split('\n').filter((line) => line !== '');
}

for (const shell of SHELLS)
  describe(`completion in ${shell}`, programOptions(shell), () => {
    /** Sorted, each once, and without the options. */
    async function complete(...words: string[]): Promise<string[]> {
      const offered = await COMPLETE[shell](words);
      return [...new Set(offered)].filter((word) => !word.startsWith('-')).sort();
    }

    it('is a script that the shell understands', async () => {
      assert.deepEqual(await run(shell, ['-n', join(folder, shell)]), { exitCode: 0, stdout: '', stderr: '' });
    });

    it('offers commands', async () => {
      assert.deepEqual(await complete('peerage', 'gen'), ['genkey', 'genpsk']);
    });

    it('offers the options of a command, and the choices of its argument', async () => {
      const options = (await COMPLETE[shell](['peerage', 'plan', '--su'])).sort();
      assert.deepEqual(options, ['--suffix', '--subnet'].sort());
      assert.deepEqual(await complete('peerage', 'completion', ''), ['bash', 'fish', 'zsh']);
    });

    it('offers what lies below a command, and what can be explained', async () => {
      const groups = nodes.filter(({ path, words }) => words.length > 0 && !/^(?:$|completion|help)/.test(path));
      for (const path of ['network', 'token', 'registry', 'service'])
        assert.ok(
          groups.some((group) => group.path === path),
          path,
        );
      for (const { path, words } of groups)
        for (const before of [[], ['help']]) {
          const offered = await complete('peerage', ...before, ...path.split(' '), '');
          const missing = words.filter(({ text }) => !offered.includes(text));
          assert.deepEqual(missing, [], [...before, path].join(' '));
        }
      assert.deepEqual(await complete('peerage', 'help', 'gen'), ['genkey', 'genpsk']);
    });

    it('offers interfaces where one is to be named: those that run, those that have a file, or both', async () => {
      for (const [words, expected] of [
        [['up'], ['wg0', 'wg1']],
        [
          ['up', '--open-firewall'],
          ['wg0', 'wg1'],
        ],
        [['status'], ['wg0', 'wg1']],
        [['doctor'], ['wg0', 'wg1']],
        [
          ['service', 'run'],
          ['wg0', 'wg1'],
        ],
        [
          ['service', 'install', 'wg1'],
          ['wg0', 'wg1'],
        ],
        [['down'], ['wg0']],
        [['show'], ['wg0']],
        [['set'], ['wg0']],
        [['set', 'wg0'], []],
        [['up', 'wg0'], []],
        [['tun'], []],
        [['ls'], []],
      ] as const)
        assert.deepEqual(await complete('peerage', ...words, 'wg'), expected, words.join(' '));
    });

    it('knows every command at every level', () => {
      for (const { path, words } of nodes) {
        assert.ok(scripts[shell].includes(path), path);
        for (const { text } of words) assert.ok(scripts[shell].includes(text), `${path} ${text}`);
      }
    });
  });

it('completion leaves files to the shell', async () => {
  assert.deepEqual(await COMPLETE.bash(['peerage', 'check', '/etc/']), []);
});

it('every command that takes an interface has some to offer, but for the one that makes it', async () => {
  const program = await createProgram(undefined, quietPorts([]));
  for (const { path, interfaces } of nodes) {
    const command = path
      .split(' ')
      .reduce(
        (found, name) => found?.commands.find((each) => each.name() === name),
        program as typeof program | undefined,
      );
    const takesOne = command?.registeredArguments[0]?.name().startsWith('interface') === true;
    assert.equal(interfaces !== undefined, takesOne && path !== 'tun', path);
  }
});
