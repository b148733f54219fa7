/** `peerage check FILE...`: what is wrong with configuration files, told as a compiler tells it. */
import { checkConfigs } from '../config/check.ts';
import type { Finding, Severity } from '../config/finding.ts';
import { sortFindings } from '../config/finding.ts';
import { UserError } from '../errors.ts';
import type { PublicKey } from '../keys.ts';
import { addExamples } from './help.ts';
import type { Ports } from './ports.ts';
import type { AddCommand } from './command.ts';
import { createStyle, type Paint } from './style.ts';

const OTHERS_READ = 0o004;

export const addCheck: AddCommand = (program, ports) => {
  const command = program
    .command('check')
    .argument('<file...>', 'wg-quick configurations; several are checked against each other')
    .description('find what is wrong with configurations')
    .option('--json', 'for machines')
    .action(async (files: string[], options: { json?: true }) => {
      const findings = await findAll(files, ports);
      if (options.json === true) ports.terminal.stdout(`${JSON.stringify(findings, null, 2)}\n`);
      else showFindings(findings, files.length, ports);
      const errors = findings.filter(({ severity }) => severity === 'error').length;
      if (errors > 0) throw new UserError(`${count(errors, 'error')} in ${count(files.length, 'file')}`);
    });
  addExamples(command, [
    ['peerage check /etc/wireguard/wg0.conf', 'one file by itself'],
    ['peerage check hosts/*.conf', 'the files of all hosts: keys, addresses and ports against each other'],
    ['peerage check --json hosts/*.conf', 'for machines; exit code 1 when there is an error'],
  ]);
};

async function findAll(names: readonly string[], ports: Ports): Promise<Finding[]> {
  const { files } = ports;
  const texts = await Promise.all(
    names.map(async (file) => {
      const text = await files.read(file);
      if (text === undefined) throw new UserError(`there is no file ${file}`, { exitCode: 2 });
      return { file, text };
    }),
  );
  const crypto = await ports.crypto();
  // 32 bytes by the port's contract.
  const findings = checkConfigs(texts, (privateKey) => crypto.publicKey(privateKey) as PublicKey);
  const readable = await Promise.all(texts.map(({ file, text }) => findReadable(file, text, files)));
  return sortFindings([...readable.flat(), ...findings], names);
}

async function findReadable(file: string, text: string, files: Ports['files']): Promise<Finding[]> {
  const mode = await files.mode(file);
  const holdsSecret = /^\s*(?:PrivateKey|PresharedKey)\s*=\s*[^\s#]/im.test(text);
  if (mode === undefined || (mode & OTHERS_READ) === 0 || !holdsSecret) return [];
  return [
    {
      severity: 'warning',
      code: 'readable-by-others',
      file,
      line: 1,
      message: 'everybody on this machine can read the keys in this file',
      remedy: `chmod 600 ${file}`,
    },
  ];
}

function showFindings(findings: readonly Finding[], files: number, { terminal }: Ports): void {
  const { bold, dim, red, yellow, cyan } = createStyle(terminal.stdoutIsTerminal);
  const paints: Record<Severity, Paint> = { error: red, warning: yellow, info: cyan };
  for (const { file, line, severity, message, remedy } of findings)
    terminal.stdout(`${bold(`${file}:${line}:`)} ${paints[severity](severity)}: ${message}\n    ${dim(remedy)}\n`);
  if (findings.length === 0) terminal.stdout(`${count(files, 'file')}: nothing to complain about\n`);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? '' : 's'}`;
}
