/** The registry of a joined interface: whether it answers, and whether the agent is there to ask it. */
import { exitState } from '../../agent/held-exit.ts';
import { UserError } from '../../errors.ts';
import type { IpFamily } from '../../ip.ts';
import { askAboutSelf } from '../ask-about-self.ts';
import { readExit } from '../exit-choice.ts';
import { findAgent } from '../agent-process.ts';
import { readMembership } from '../membership.ts';
import type { Ports } from '../ports.ts';
import { checkClockAgainst } from './clock.ts';
import { about, type Finding } from './finding.ts';
import { forwardingRemedy, isForwarded } from './forwarding.ts';
import type { Subject } from './subject.ts';

const ANSWER_MS = 5000;

export interface RegistryFacts {
  name: string;
  isUp: boolean;
  url: string;
  answer: { elapsedMs: number; status: number; theirMs: number; ourMs: number } | { failure: string };
  agentRuns: boolean;
  exit: { name: string | undefined; state: ReturnType<typeof exitState> };
  /** Waiting for an administrator; undefined when the registry does not say. */
  requestedRoutes: readonly string[] | undefined;
  /** What lies behind this host, approved or not, and is not forwarded to. */
  unforwarded: readonly string[];
}

/** Undefined for an interface that has joined no network. */
export async function gatherRegistry(ports: Ports, { name, tunnel }: Subject): Promise<RegistryFacts | undefined> {
  const membership = await readMembership(ports, name);
  if (membership === undefined) return undefined;
  const { registry: url } = membership;
  const exit = await readExit(ports, name);
  const { routes = [], requestedRoutes } = (await askAboutSelf(ports, membership, ANSWER_MS)).config?.host ?? {};
  return {
    name,
    isUp: tunnel !== undefined,
    url,
    answer: await ask(ports, url),
    agentRuns: (await findAgent(ports, name)) !== undefined,
    exit: { name: exit, state: exitState(membership.peers, exit) },
    requestedRoutes,
    unforwarded: await notForwarded(ports, [...routes, ...(requestedRoutes ?? [])]),
  };
}

export function checkRegistry(facts: RegistryFacts): Finding[] {
  const { name, isUp, url, answer, agentRuns } = facts;
  const report = about(name);
  const findings: Finding[] = [];
  if ('failure' in answer)
    findings.push(
      report('warning', `${answer.failure}; the tunnel goes on with its last peers`, `curl -v ${url}/healthz`),
    );
  else if (answer.status !== 200)
    findings.push(
      report('warning', `${url} answers with ${answer.status}: is it a registry?`, `curl -v ${url}/healthz`),
    );
  else {
    findings.push(report('ok', `${url} answers within ${Math.round(answer.elapsedMs)} ms`));
    findings.push(...checkClockAgainst(url, answer.theirMs, answer.ourMs));
  }
  if (isUp && !agentRuns)
    findings.push(
      report(
        'error',
        'its agent does not run: changes of the registry go unheard',
        `peerage down ${name} && peerage up ${name}`,
      ),
    );
  return [...findings, ...checkExit(facts), ...checkRequests(facts), ...checkBehind(facts)];
}

function checkExit({ name, exit }: RegistryFacts): Finding[] {
  const report = about(name);
  if (exit.state === 'gone')
    return [
      report(
        'error',
        `the exit "${exit.name}" is gone: what is for the rest of the world is dropped`,
        `peerage exit none ${name}, or another exit`,
      ),
    ];
  if (exit.state === 'not offered')
    return [
      report(
        'warning',
        `the exit "${exit.name}" is chosen and not offered: the default route goes its own way`,
        `peerage exit none ${name}, or have it approved: peerage route approve ${exit.name}`,
      ),
    ];
  return exit.state === 'in use' ? [report('ok', `the default route goes through "${exit.name}"`)] : [];
}

function checkRequests({ name, requestedRoutes = [] }: RegistryFacts): Finding[] {
  if (requestedRoutes.length === 0) return [];
  const what = `nobody hears of ${requestedRoutes.join(', ')} behind this host before an administrator approves it`;
  return [about(name)('warning', what, 'there: peerage route approve HOST')];
}

function checkBehind({ name, unforwarded }: RegistryFacts): Finding[] {
  return ([4, 6] as const).flatMap((family) => {
    const routes = unforwarded.filter((route) => familyOf(route) === family);
    if (routes.length === 0) return [];
    const what = `IPv${family} is not forwarded: nobody gets through this host to ${routes.join(', ')}`;
    return [about(name)('warning', what, forwardingRemedy(family))];
  });
}

async function notForwarded(ports: Ports, routes: readonly string[]): Promise<string[]> {
  if (routes.length === 0) return [];
  const forwarded = { 4: await isForwarded(ports, 4), 6: await isForwarded(ports, 6) };
  return routes.filter((route) => !forwarded[familyOf(route)]);
}

function familyOf(route: string): IpFamily {
  return route.includes(':') ? 6 : 4;
}

async function ask(ports: Ports, url: string): Promise<RegistryFacts['answer']> {
  const start = ports.clock.monotonic();
  try {
    const { status, headers } = await ports.http.request({
      method: 'GET',
      url: `${url}/healthz`,
      timeoutMs: ANSWER_MS,
    });
    const ourMs = ports.clock.wall();
    const theirMs = Date.parse(headers.get('date') ?? '') || ourMs;
    return { elapsedMs: ports.clock.monotonic() - start, status, theirMs, ourMs };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { failure: error.message };
  }
}
