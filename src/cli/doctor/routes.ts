/** Routes, rules and addresses of this host that clash with those of an interface. */
import { containsAddress, formatAddress, formatCidr, maskCidr, overlaps, type Cidr } from '../../ip.ts';
import type { Ports } from '../ports.ts';
import { about, type Finding } from './finding.ts';
import {
  decide,
  decideAll,
  listAddresses,
  listRoutes,
  sampleAddress,
  type Decision,
  type OwnAddress,
  type Route,
} from './routing-table.ts';
import { allowedIpsOf, endpointsOf, type Subject } from './subject.ts';

export interface RouteFacts {
  name: string;
  /** `Table = off`: somebody else sets the routes, and knows why. */
  isManaged: boolean;
  allowedIps: readonly Cidr[];
  addresses: readonly Cidr[];
  routes: readonly Route[];
  ownAddresses: readonly OwnAddress[];
  /** For each allowed IP, in their order; empty when the interface is not up. */
  decisions: readonly Decision[];
  endpoints: readonly { address: string; decision: Decision }[];
}

export async function gatherRoutes(ports: Ports, subject: Subject): Promise<RouteFacts> {
  const { name, config, tunnel } = subject;
  const allowedIps = allowedIpsOf(subject);
  const ownAddresses = await listAddresses(ports);
  const own = ownAddresses.map(({ prefix }) => formatAddress(prefix));
  const samples = tunnel === undefined ? [] : allowedIps.map((prefix) => sampleAddress(prefix, own));
  const decisions = samples.length === 0 ? [] : await decideAll(ports, samples);
  const endpoints = await Promise.all(
    endpointsOf(subject).map(async (address) => ({
      address,
      decision: await decide(ports, address, tunnel?.fwmark),
    })),
  );
  return {
    name,
    isManaged: config?.interface.table !== 'off',
    allowedIps,
    addresses: config?.interface.addresses ?? [],
    routes: await listRoutes(ports),
    ownAddresses,
    decisions,
    endpoints,
  };
}

export function checkRoutes(facts: RouteFacts): Finding[] {
  const findings = [
    ...checkAddresses(facts),
    ...checkEndpoints(facts),
    ...facts.allowedIps.flatMap(checkPrefix(facts)),
  ];
  if (findings.length > 0 || facts.allowedIps.length === 0) return findings;
  return [
    about(facts.name)('ok', `no route of another interface clashes with the ${facts.allowedIps.length} allowed IPs`),
  ];
}

function checkAddresses({ name, addresses, ownAddresses }: RouteFacts): Finding[] {
  return addresses.flatMap((address) => {
    const clash = ownAddresses.find(({ device, prefix }) => device !== name && overlaps(prefix, maskCidr(address)));
    if (clash === undefined) return [];
    const theirs = `${formatCidr(clash.prefix)} of ${clash.device}`;
    const what = `the address ${formatCidr(address)} overlaps with ${theirs}: replies may leave through the wrong one`;
    return [about(name)('warning', what, 'peerage plan   # finds a range that is free')];
  });
}

/** Datagrams to a peer that enter the tunnel again go round for ever. */
function checkEndpoints({ name, endpoints, routes }: RouteFacts): Finding[] {
  return endpoints
    .filter(({ decision }) => decision.device === undefined || decision.device === name)
    .map(({ address, decision }) => {
      const gateway = routes.find(({ prefix, device }) => prefix.prefixLength === 0 && device !== name)?.gateway;
      const remedy = `ip route add ${address} via ${gateway ?? 'GATEWAY'}`;
      return decision.device === undefined
        ? about(name)('error', `there is no route to the endpoint ${address}`, remedy)
        : about(name)('error', `datagrams to the endpoint ${address} would go into ${name} itself`, remedy);
    });
}

function checkPrefix({ name, routes, decisions, isManaged }: RouteFacts): (prefix: Cidr, i: number) => Finding[] {
  const report = about(name);
  const foreign = routes.filter(({ device }) => device !== name);
  return (prefix, i) => {
    const text = formatCidr(prefix);
    // Default routes stand side by side by design: a rule tells which one is taken.
    if (prefix.prefixLength > 0) {
      const same = foreign.find((route) => formatCidr(route.prefix) === text);
      if (same !== undefined) {
        const what = `${text} is a peer's and a route of ${same.device}: they cannot both be reached`;
        return [report('error', what, `ip route show ${text}   # then give one of the two networks another range`)];
      }
      const inside = foreign.find((route) => containsAddress(prefix, route.prefix));
      if (inside !== undefined) {
        const narrower = formatCidr(inside.prefix);
        const what = `${narrower}, a part of the allowed IP ${text}, goes to ${inside.device} and not to the peer`;
        return [report('warning', what, `ip route show ${narrower}   # right if that is your local network`)];
      }
    }
    const decision = decisions[i];
    if (!isManaged || decision === undefined || decision.device === name) return [];
    const where = decision.device === undefined ? 'is routed nowhere' : `is sent to ${decision.device}`;
    const remedy =
      decision.device === undefined
        ? `ip route add ${text} dev ${name}`
        : `ip rule show; ip route show table all match ${text}`;
    return [report('error', `${text} ${where} and not to ${name}`, remedy)];
  };
}
