/** `peerage rotate`: a new key pair for this host, while its traffic goes on. The agent does it; this waits for it. */
import { InvalidArgumentError } from 'commander';
import { UserError } from '../errors.ts';
import { findAgent, lineToStart } from './agent-process.ts';
import type { AddCommand } from './command.ts';
import { expectInterfaceName } from './config-file.ts';
import { addExamples } from './help.ts';
import { expectRoot } from './interface-up.ts';
import { expectPrivateKey, readRotation, writeRotation } from './key-rotation.ts';
import { readMembership, type Membership } from './membership.ts';
import type { Ports } from './ports.ts';

interface RotateOptions {
  notice: number;
  json?: true;
}

const LOOK_AGAIN_MS = 200;

export const addRotate: AddCommand = (program, ports) => {
  const command = program
    .command('rotate')
    .description('change the key pair of this host while its traffic goes on')
    .argument('[interface]', 'as given to `join`', 'wg0')
    .option('--notice <seconds>', 'how long the others get to hear of the next key before it is used', parseNotice, 60)
    .option('--json', 'for machines: "interface" and "publicKey"')
    .action((name: string, options: RotateOptions) => rotate(name, options, ports));
  addExamples(command, [
    ['peerage rotate', 'a new key for wg0, in a minute'],
    ['peerage rotate --notice 0', 'at once, because somebody may have seen the old one'],
  ]);
};

async function rotate(name: string, { notice, json }: RotateOptions, ports: Ports): Promise<void> {
  expectRoot(ports, 'rotate');
  expectInterfaceName(name);
  const before = await readMembership(ports, name);
  if (before === undefined)
    throw new UserError(`"${name}" has not joined a network`, { remedy: 'peerage join HOST/TOKEN' });
  await expectAgent(ports, name, before);
  await expectPrivateKey(ports, name);
  // One that was begun before goes on, whatever its notice.
  if ((await readRotation(ports, name)) === undefined) await writeRotation(ports, name, { noticeMs: 1000 * notice });
  const { terminal, services } = ports;
  terminal.stderr(
    `The agent of ${name} makes a new key, tells the others, and uses it. This may be interrupted: it goes on.\n`,
  );
  let told: string | undefined;
  for (;;) {
    const rotation = await readRotation(ports, name);
    if (rotation === undefined) break;
    if (rotation.problem !== told && rotation.problem !== undefined) terminal.stderr(`Not yet: ${rotation.problem}\n`);
    told = rotation.problem;
    await expectAgent(ports, name, before);
    await services.sleep(LOOK_AGAIN_MS);
  }
  const publicKey = (await readMembership(ports, name))?.publicKey;
  if (publicKey === undefined || publicKey === before.publicKey)
    throw new UserError(`${name} has no new key: it has left the network, or its file lost its PrivateKey`, {
      remedy: `See the end of /run/peerage/${name}.log`,
    });
  if (json === true) return terminal.stdout(`${JSON.stringify({ interface: name, publicKey })}\n`);
  return terminal.stdout(`${name} has a new key: ${publicKey}\n`);
}

async function expectAgent(ports: Ports, name: string, { registry }: Membership): Promise<void> {
  if ((await findAgent(ports, name)) !== undefined) return;
  throw new UserError(`the agent of "${name}" does not run`, {
    remedy: `Start it: ${lineToStart(name, registry)}`,
  });
}

/** Seconds. */
function parseNotice(text: string): number {
  const seconds = Number(text);
  if (/^\d{1,5}$/.test(text) && seconds <= 86_400) return seconds;
  throw new InvalidArgumentError('Expected seconds, 86400 at most.');
}
