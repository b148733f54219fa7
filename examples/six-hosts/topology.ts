/**
 * The world of the demo: an internet with six hosts, the registry, a stranger, a home and an office.
 *
 *                              the internet (a router; it knows public addresses only)
 *      |          |          |          |          |          |           |             |
 *   registry   stranger   dolores     maeve     bernard     arnold   home router   office router     (both masquerade)
 *                                                                      |       |       |       |
 *                                                                  charlotte printer teddy    nas
 *
 * Addresses are the guide's. Where it says "dynamic", an address is given that nobody is told in advance.
 */
import type { Host } from '../../test/interop/lab/host.ts';
import type { Lab } from '../../test/interop/lab/lab.ts';
import { enableForwarding, enableNat } from '../../test/interop/lab/nat.ts';

export const NETWORK = {
  name: 'guide',
  suffix: 'vpn.example.net',
  ranges: ['10.195.171.0/24', 'fdc1:d89e:b128:6a04::/64'],
  port: 55_867,
} as const;

export const REGISTRY_URL = 'http://vpn.example.net';

export type MemberName = 'dolores' | 'maeve' | 'bernard' | 'arnold' | 'charlotte' | 'teddy';

const PUBLIC: Readonly<Record<string, readonly string[]>> = {
  registry: ['192.0.2.80'],
  stranger: ['192.0.2.200', '2001:db8:bad::1'],
  dolores: ['203.0.113.54'],
  maeve: ['198.51.100.7', '2001:db8:48d1::1'],
  bernard: ['192.0.2.14', '2001:db8:2d07:5b57::1'],
  arnold: ['198.51.100.131', '2001:db8:3414:6b1d::1'],
  home: ['203.0.113.201', '2001:db8:3414:6b1d::10'],
  office: ['203.0.113.142', '2001:db8:6f00::77'],
};

/** What the world's DNS says: hosts with a dynamic address are not in it. */
const NAMES = {
  'vpn.example.net': PUBLIC['registry']!,
  'dolores.example.net': PUBLIC['dolores']!,
  'maeve.example.net': PUBLIC['maeve']!,
  'bernard.example.net': PUBLIC['bernard']!,
};

/** A private network behind a member of the VPN. */
export interface Site {
  gateway: MemberName;
  /** Its router towards the internet. */
  router: 'home' | 'office';
  /** The name of a device in it that knows nothing of VPNs. */
  device: string;
  prefixes: { 4: string; 6: string };
  /** Host part of addresses to whole addresses. */
  address(host: number): { 4: string; 6: string };
}

export const SITES: readonly Site[] = [
  site('charlotte', 'home', 'printer', '172.27.88', 'fdc1:d89e:b128:13a6'),
  site('teddy', 'office', 'nas', '172.27.126', 'fdc1:d89e:b128:2615'),
];

export interface World {
  registry: Host;
  stranger: Host;
  members: Readonly<Record<MemberName, Host>>;
  devices: readonly { site: Site; host: Host }[];
}

export async function buildWorld(lab: Lab): Promise<World> {
  const internet = await lab.host('internet');
  await enableForwarding(internet);
  const uplink = async (name: string): Promise<Host> => connectToInternet(lab, internet, name);
  const [registry, stranger, dolores, maeve, bernard, arnold, home, office] = await Promise.all(
    ['registry', 'stranger', 'dolores', 'maeve', 'bernard', 'arnold', 'home', 'office'].map(uplink),
  );
  const [charlotte, teddy] = await Promise.all([lab.host('charlotte'), lab.host('teddy')]);
  const devices = await Promise.all([
    buildSite(lab, SITES[0]!, { router: home!, gateway: charlotte }),
    buildSite(lab, SITES[1]!, { router: office!, gateway: teddy }),
  ]);
  const members = {
    dolores: dolores!,
    maeve: maeve!,
    bernard: bernard!,
    arnold: arnold!,
    charlotte,
    teddy,
  };
  await Promise.all([registry!, stranger!, ...Object.values(members)].map((host) => host.addNames(NAMES)));
  return { registry: registry!, stranger: stranger!, members, devices };
}

/** A wire of its own to the internet's router, which routes to the host's addresses and to nothing else there. */
async function connectToInternet(lab: Lab, internet: Host, name: string): Promise<Host> {
  const [host, wire] = await Promise.all([lab.host(name), lab.switch()]);
  const addresses = PUBLIC[name]!.map(asSingle);
  const port = `to-${name}`;
  await lab.connect(internet, wire, {
    interface: port,
    addresses: ['169.254.1.1/32', 'fe80::1/64'],
    routes: addresses.map((address) => `${address} dev ${port}`),
  });
  const hasIpv6 = addresses.some((address) => address.includes(':'));
  await lab.connect(host, wire, {
    addresses,
    routes: ['169.254.1.1 dev eth0', 'default via 169.254.1.1', ...(hasIpv6 ? ['default via fe80::1 dev eth0'] : [])],
  });
  return host;
}

/** A router that masquerades, a member of the VPN that also routes, and a device that has a route to the VPN through it. */
async function buildSite(
  lab: Lab,
  plan: Site,
  { router, gateway }: { router: Host; gateway: Host },
): Promise<{ site: Site; host: Host }> {
  const [lan, device] = await Promise.all([lab.switch(), lab.host(plan.device)]);
  const [own, member, last] = [plan.address(1), plan.address(2), plan.address(10)];
  const outward = [`default via ${own[4]}`, `default via ${own[6]}`];
  const elsewhere = SITES.filter((other) => other !== plan).flatMap(({ prefixes }) => [prefixes[4], prefixes[6]]);
  await lab.connect(router, lan, { interface: 'eth1', addresses: withLength(own) });
  await lab.connect(gateway, lan, { addresses: withLength(member), routes: outward });
  await lab.connect(device, lan, {
    addresses: withLength(last),
    routes: [
      ...outward,
      ...[...NETWORK.ranges, ...elsewhere].map(
        (range) => `${range} via ${range.includes(':') ? member[6] : member[4]}`,
      ),
    ],
  });
  await enableNat(router, { outside: 'eth0', inside: 'eth1' });
  await enableForwarding(gateway);
  return { site: plan, host: device };
}

function site(gateway: MemberName, router: Site['router'], device: string, v4: string, v6: string): Site {
  return {
    gateway,
    router,
    device,
    prefixes: { 4: `${v4}.0/24`, 6: `${v6}::/64` },
    address: (host) => ({ 4: `${v4}.${host}`, 6: `${v6}::${host.toString(16)}` }),
  };
}

function asSingle(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`;
}

function withLength(address: { 4: string; 6: string }): string[] {
  return [`${address[4]}/24`, `${address[6]}/64`];
}
