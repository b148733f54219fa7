/** Every command line in the documents is one that the programs take. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';
import { run } from '../cli/peerage.ts';
import { quietPorts } from '../cli/quiet-ports.ts';
import { codeSpans, fencedLines, readDocuments, ROOT, type Line } from './markdown.ts';

const documents = readDocuments();

/** Calls of a program in a line of shell, a screen or a unit file: their arguments. */
function callsOf(program: string, { text }: Line): string[] {
  return text.split(/\|\|?|&&|;|\$?\(/).flatMap((part) => {
    const call = part
      .trim()
      .replace(/^\$ /, '')
      .replace(/^ExecStart=/, '')
      .replace(/^(?:[A-Z_]+=\S* )+/, '')
      .replace(/^\/\S*\/(?=peerage)/, '');
    const [, args] = new RegExp(`^${program}(?: (.*))?$`).exec(call) ?? [];
    return args === undefined ? [] : [args.replace(/(?:^| )[<>#)].*$/, '').trim()];
  });
}

/** Walks down to the command that is meant, and lets it read its options, with their parsers. */
function parse(program: Command, args: readonly string[]): void {
  let command = program;
  let rest = args;
  for (;;) {
    const next = command.commands.find((sub) => sub.name() === rest[0]);
    if (next === undefined) break;
    command = next;
    rest = rest.slice(1);
  }
  assert.ok(command !== program || rest[0]?.startsWith('-'), 'there is no such command');
  const { operands, unknown } = command.parseOptions([...rest]);
  assert.deepEqual(unknown, [], 'unknown options');
  const { registeredArguments } = command;
  const needed = registeredArguments.filter((argument) => argument.required).length;
  const allowed = registeredArguments.some((argument) => argument.variadic) ? Infinity : registeredArguments.length;
  assert.ok(operands.length >= needed && operands.length <= allowed, `${operands.length} arguments`);
}

async function expectValid({ at }: Line, args: string): Promise<void> {
  const said: string[] = [];
  const program = await createProgram(undefined, quietPorts(said));
  try {
    parse(program, splitWords(args));
  } catch (error) {
    assert.fail(`${at}: peerage ${args}: ${String(error)} ${said.join('')}`);
  }
}

function splitWords(text: string): string[] {
  return (text.match(/'[^']*'|"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^(['"])(.*)\1$/, '$2'));
}

describe('command lines in the documents', () => {
  it('call commands of peerage that exist, with options and arguments that they take', async () => {
    let calls = 0;
    for (const document of documents)
      for (const line of fencedLines(document))
        for (const args of callsOf('peerage', line)) {
          await expectValid(line, args);
          calls += 1;
        }
    assert.ok(calls > 40, `only ${calls} were found`);
  });

  it('name commands that exist in running text as well', async () => {
    const program = await createProgram(undefined, quietPorts([]));
    for (const span of documents.flatMap(codeSpans))
      for (const args of callsOf('peerage', span)) {
        const [name = '', sub = ''] = splitWords(args);
        const command = program.commands.find((known) => known.name() === name);
        if (name === 'COMMAND' || name.startsWith('-')) continue;
        assert.ok(command !== undefined, `${span.at}: peerage ${args}`);
        if (command.commands.length > 0 && /^[a-z]/.test(sub))
          assert.ok(
            command.commands.some((known) => known.name() === sub),
            `${span.at}: peerage ${args}`,
          );
        const options = [command, ...command.commands].flatMap((known) => known.options.map(({ long }) => long));
        for (const word of splitWords(args).filter((word) => word.startsWith('--')))
          assert.ok(options.includes(word), `${span.at}: peerage ${args}`);
      }
  });

  it('call peerage-tun with options that its help has', async () => {
    const { stdout: help } = await run(process.execPath, [`${ROOT}/runtime/node/peerage-tun.ts`, '--help']);
    const known = new Set(help.match(/(?<=[\s|[])-{1,2}[a-z]+/g));
    assert.ok(known.has('--foreground') && known.has('-f'));
    const lines = documents.flatMap((document) => [...fencedLines(document), ...codeSpans(document)]);
    const calls = lines.flatMap((line) => callsOf('peerage-tun', line).map((args) => ({ line, args })));
    assert.ok(calls.length >= 5, `only ${calls.length} were found`);
    for (const { line, args } of calls)
      for (const word of splitWords(args).filter((word) => word.startsWith('-')))
        assert.ok(known.has(word), `${line.at}: peerage-tun ${args}`);
  });
});
