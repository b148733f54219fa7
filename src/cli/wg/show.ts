/** `wg show`: what running tunnels are doing. */
import { UserError } from '../../errors.ts';
import type { Ports } from '../ports.ts';
import type { GetAnswer } from '../../uapi/parse-get.ts';
import { describeTunnel } from '../tunnel.ts';
import { formatField, formatPretty, SHOW_FIELDS } from './show-format.ts';
import { perror, perrorOfTunnel } from './wg-error.ts';
import { zoneNames } from './zones.ts';

export async function showInterfaces(ports: Ports): Promise<void> {
  const names = await listInterfaces(ports);
  if (names.length > 0) ports.terminal.stdout(`${names.join(' ')}\n`);
}

export class UnknownField extends UserError {
  constructor(field: string) {
    const remedy = `It is one of: ${Object.keys(SHOW_FIELDS).join(', ')}.`;
    super(`Invalid parameter: \`${field}'`, { remedy, exitCode: 2 });
  }
}

/** Throws UnknownField unless it is a key of SHOW_FIELDS. */
export function expectField(field: string): void {
  if (!Object.hasOwn(SHOW_FIELDS, field)) throw new UnknownField(field);
}

/** Without a field, all of them for people. */
export async function showOne(ports: Ports, name: string, field: string | undefined): Promise<void> {
  const state = await perrorOfTunnel(ports, 'Unable to access interface', () => describeTunnel(ports, name));
  ports.terminal.stdout(field === undefined ? await pretty(ports, name, state) : await formatOf(ports, field, state));
}

/** One tunnel that does not answer does not hide the others. Tells how many did and did not. */
export async function showAll(
  ports: Ports,
  field: string | undefined,
  complain: (error: UserError) => void,
): Promise<{ shown: number; failed: number }> {
  const names = await listInterfaces(ports);
  let failed = 0;
  for (const [i, name] of names.entries()) {
    // One after the other: the output keeps their order, and a host has few.
    // oxlint-disable-next-line no-await-in-loop
    const state = await describeOrComplain(ports, name, complain);
    if (state === undefined) failed += 1;
    // oxlint-disable-next-line no-await-in-loop
    else if (field !== undefined) ports.terminal.stdout(await formatOf(ports, field, state, name));
    // oxlint-disable-next-line no-await-in-loop
    else ports.terminal.stdout((await pretty(ports, name, state)) + (i < names.length - 1 ? '\n' : ''));
  }
  return { shown: names.length - failed, failed };
}

async function listInterfaces(ports: Ports): Promise<string[]> {
  return perror('Unable to list interfaces', () => ports.uapi.interfaces());
}

async function describeOrComplain(
  ports: Ports,
  name: string,
  complain: (error: UserError) => void,
): Promise<GetAnswer | undefined> {
  try {
    return await perrorOfTunnel(ports, `Unable to access interface ${name}`, () => describeTunnel(ports, name));
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    complain(error);
    return undefined;
  }
}

async function formatOf(ports: Ports, field: string, state: GetAnswer, name?: string): Promise<string> {
  expectField(field);
  return formatField(field, state, await zoneNames(ports, state.peers), name);
}

/** Whether private and preshared keys are shown to people. Machines are shown them always. */
export function revealsKeys(ports: Pick<Ports, 'processes'>): boolean {
  return ports.processes.env['WG_HIDE_KEYS'] === 'never';
}

async function pretty(ports: Ports, name: string, state: GetAnswer): Promise<string> {
  const mode = ports.processes.env['WG_COLOR_MODE'];
  return formatPretty(name, state, {
    now: ports.clock.wall(),
    colour: mode === 'always' || (mode !== 'never' && ports.terminal.stdoutIsTerminal),
    revealKeys: revealsKeys(ports),
    zones: await zoneNames(ports, state.peers),
  });
}
