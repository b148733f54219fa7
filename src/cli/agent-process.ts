/**
 * The agent as a process of its own: one per interface that needs it, found again by the file in which it tells how it is.
 *
 * A process number alone may have passed on to another program, or to nobody but a parent that never asked how it ended (the
 * first process of many containers): the command line of the process tells.
 */
import { UserError } from '../errors.ts';
import type { Ports } from './ports.ts';

/** How long an agent gets to start. */
const PATIENCE_MS = 10_000;
/** How long it gets to end: `service run` takes its interface down first, with all that the file's hooks do. */
const ENDING_PATIENCE_MS = 600_000;
/** A person who waits longer is told for what. */
const SILENCE_MS = 2000;
const LOOK_AGAIN_MS = 20;

export interface AgentStatus {
  pid: number;
  /** `current` once the registry answered; `unavailable` while it does not; `refused` when it will not any more. */
  state: 'starting' | 'current' | 'unavailable' | 'refused';
  reason?: string;
  /** ISO 8601, of the latest answer. */
  lastAnswer?: string;
  /** What of the registry's list is not followed, and why, as sentences. */
  notes?: readonly string[];
}

type StopPorts = AgentPorts & Pick<Ports, 'terminal'>;
type AgentPorts = Pick<Ports, 'files' | 'processes' | 'services' | 'clock'>;

function agentLogPath(interfaceName: string): string {
  return `/run/peerage/${interfaceName}.log`;
}

export async function readAgentStatus(ports: Pick<Ports, 'files'>, name: string): Promise<AgentStatus | undefined> {
  const text = await ports.files.read(statusPath(name));
  return text === undefined ? undefined : (JSON.parse(text) as AgentStatus); // written by the agent, whole or not at all
}

export async function writeAgentStatus(ports: Pick<Ports, 'files'>, name: string, status: AgentStatus): Promise<void> {
  await ports.files.write(statusPath(name), `${JSON.stringify(status)}\n`, { mode: 0o600 });
}

/** The process number of the agent that runs now. */
export async function findAgent(ports: AgentPorts, name: string): Promise<number | undefined> {
  const pid = (await readAgentStatus(ports, name))?.pid;
  if (pid === undefined || !ports.processes.isAlive(pid)) return undefined;
  const commandLine = (await ports.files.read(`/proc/${pid}/cmdline`)) ?? '';
  return isAgentOf(name, commandLine.split('\0')) ? pid : undefined;
}

/** `agent wg0`, `agent /x/wg0.conf`, `service run wg0`, and `join ... --foreground`, whose interface is wg0 unless it says another. */
function isAgentOf(name: string, words: readonly string[]): boolean {
  const option = words.findIndex((word) => /^--interface(?:=|$)/.test(word));
  if (words.includes('join'))
    return name === (option < 0 ? 'wg0' : (words[option]?.split('=')[1] ?? words[option + 1]));
  if (!words.includes('agent') && !words.includes('service')) return false;
  return words.some((word) => word === name || word === `${name}.conf` || word.endsWith(`/${name}.conf`));
}

/** Throws a UserError when another process is the agent of this interface. */
export async function expectNoOtherAgent(ports: AgentPorts, name: string): Promise<void> {
  const other = await findAgent(ports, name);
  if (other !== undefined && other !== ports.processes.pid)
    throw new UserError(`the agent of "${name}" runs already, as process ${other}`);
}

/** Resolves when the agent runs. One that runs already is left alone. `nameOrPath`: as `up` takes it. */
export async function startAgent(ports: AgentPorts, name: string, nameOrPath = name): Promise<void> {
  if ((await findAgent(ports, name)) !== undefined) return;
  const logFile = agentLogPath(name);
  await ports.files.write(logFile, '', { mode: 0o600 });
  const { pid } = await ports.processes.spawnSelf(['agent', nameOrPath], { logFile });
  await waitFor(ports, async () => {
    if ((await readAgentStatus(ports, name))?.pid === pid) return true;
    if (ports.processes.isAlive(pid)) return false;
    throw new UserError(`the agent of "${name}" ended at once`, { remedy: `Its last words are in ${logFile}` });
  });
}

/** Resolves when no agent runs, and its files are gone. */
export async function stopAgent(ports: StopPorts, name: string): Promise<void> {
  const pid = await findAgent(ports, name);
  if (pid !== undefined) {
    ports.processes.kill(pid, 'SIGTERM');
    const hasEnded = async (): Promise<boolean> => (await findAgent(ports, name)) === undefined;
    let ended = await waitFor(ports, hasEnded, SILENCE_MS);
    if (!ended) {
      ports.terminal.stderr(`Waiting for process ${pid} to end ...\n`);
      ended = await waitFor(ports, hasEnded, ENDING_PATIENCE_MS);
    }
    if (!ended) throw new UserError(`the agent of "${name}" does not end`, { remedy: `Look at process ${pid}.` });
  }
  await ports.files.remove(statusPath(name));
  await ports.files.remove(agentLogPath(name));
}

function statusPath(name: string): string {
  return `/run/peerage/${name}.agent.json`;
}

/** False when it did not become so in time. */
async function waitFor(
  ports: Pick<Ports, 'services' | 'clock'>,
  condition: () => Promise<boolean>,
  patienceMs = PATIENCE_MS,
): Promise<boolean> {
  const deadline = ports.clock.monotonic() + patienceMs;
  while (!(await condition())) {
    if (ports.clock.monotonic() > deadline) return false;
    await ports.services.sleep(LOOK_AGAIN_MS);
  }
  return true;
}

/** What to type for an agent that has ended: `up` takes an interface that is up for somebody else's. */
export function lineToStart(name: string, registry: string): string {
  return `peerage join ${registry}${name === 'wg0' ? '' : ` --interface ${name}`}`;
}
