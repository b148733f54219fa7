/**
 * Enrolment, in each of the ways there are. What a person would type is typed here, word for word.
 */
import type { Host } from '../../test/interop/lab/host.ts';
import { NETWORK, REGISTRY_URL, SITES } from './topology.ts';
import type { MemberName, World } from './topology.ts';

/** How a host got in, and how it hears of the others from then on. */
export type Way = 'peerage join' | 'curl' | 'curl | sh' | 'curl | sh (wg-quick)';

export const WAYS: Readonly<Record<MemberName, Way>> = {
  dolores: 'peerage join',
  maeve: 'curl | sh (wg-quick)',
  bernard: 'curl',
  arnold: 'curl',
  charlotte: 'curl | sh',
  teddy: 'peerage join',
};

/** These have a name in the DNS; the others have dynamic addresses and say nothing. */
const STATIC: readonly MemberName[] = ['dolores', 'maeve', 'bernard'];

const INTERFACE = 'wg0';
const START_TIMEOUT_MS = 300_000;
const ENROL_TIMEOUT_MS = 300_000;

const SILENCE = `
  table inet silence {
    chain input {
      type filter hook input priority filter; policy drop;
    }
  }`;

/** The administrator works on the host of the registry. */
export interface Administrator {
  run(...args: string[]): Promise<string>;
  /** Does something while the registry hears nothing. */
  withoutRegistry<T>(action: () => Promise<T>): Promise<T>;
}

/** `peerage registry serve`, and the network that the guide designs. */
export async function startRegistry(registry: Host): Promise<Administrator> {
  const serve = ['registry', 'serve', '--listen', '0.0.0.0:80', '--public-url', REGISTRY_URL, '--json'];
  const server = await registry.spawn('peerage', serve);
  const adminKey = await registry.waitFor(
    'the registry listens',
    () => {
      if (server.hasExited) return 'ended';
      return server.stdout.includes('\n') && (JSON.parse(server.stdout) as { adminKey: string }).adminKey;
    },
    { timeoutMs: START_TIMEOUT_MS, explain: () => server.stderr },
  );
  if (adminKey === 'ended') throw new Error(`the registry ended:\n${server.stderr}`);
  const env = { PEERAGE_REGISTRY: REGISTRY_URL, PEERAGE_ADMIN_KEY: adminKey };
  const administrator: Administrator = {
    run: (...args) => registry.output('peerage', args, { env }),
    async withoutRegistry(action) {
      await registry.output('nft', ['-f', '-'], { input: SILENCE });
      try {
        return await action();
      } finally {
        await registry.output('nft', ['delete', 'table', 'inet', 'silence']);
      }
    },
  };
  const { name, suffix, ranges, port } = NETWORK;
  await administrator.run('network', 'add', name, '--suffix', suffix, '--range', ...ranges, '--port', `${port}`);
  return administrator;
}

/** Makes a token for one host and uses it there. */
export async function enrol(name: MemberName, world: World, administrator: Administrator): Promise<void> {
  const routes = routesOf(name);
  const permission = routes.length === 0 ? [] : ['--route', ...routes];
  const { token } = JSON.parse(await administrator.run('token', '--name', name, ...permission, '--json')) as {
    token: string;
  };
  const host = world.members[name];
  switch (WAYS[name]) {
    case 'curl':
      return enrolWithCurl(host, name, token);
    case 'curl | sh':
      return enrolWithScript(host, name, token);
    case 'curl | sh (wg-quick)':
      // As on a host without Peerage, but that this kernel may have no WireGuard of its own.
      await host.output('mv', ['/run/bin/peerage', '/run/peerage-elsewhere']);
      return enrolWithScript(host, name, token, { WG_QUICK_USERSPACE_IMPLEMENTATION: 'peerage-tun' });
    case 'peerage join':
      return enrolWithJoin(host, name, token);
  }
}

/** Fetches what became known since; hosts that joined with `peerage` do so by themselves. */
export async function refresh(name: MemberName, world: World): Promise<void> {
  const host = world.members[name];
  if (WAYS[name] === 'curl | sh (wg-quick)') await host.output(`/etc/wireguard/${INTERFACE}.refresh`);
  if (WAYS[name] === 'curl')
    await type(
      host,
      `curl -fsS '${REGISTRY_URL}/v1/config?format=wg' -H "Authorization: Bearer $(sed -n 's/^# HostKey = //p' /etc/wireguard/wg0.conf)" |
         peerage syncconf wg0 /dev/stdin`,
    );
}

async function enrolWithCurl(host: Host, name: MemberName, token: string): Promise<void> {
  const endpoint = endpointOf(name);
  await type(
    host,
    `umask 077
     peerage genkey >/etc/wireguard/wg0.key
     curl -fsS ${REGISTRY_URL}/v1/enroll -H 'Authorization: Bearer ${token}' \\
       --data-urlencode name=${name} --data-urlencode "publicKey=$(peerage pubkey </etc/wireguard/wg0.key)" \\
       ${endpoint === undefined ? '' : `--data-urlencode endpoint=${endpoint}`} >/etc/wireguard/wg0.conf
     peerage up wg0`,
  );
}

async function enrolWithScript(
  host: Host,
  name: MemberName,
  token: string,
  env: Readonly<Record<string, string>> = {},
): Promise<void> {
  const endpoint = endpointOf(name);
  const routes = routesOf(name).join(',');
  await type(host, `curl -fsS ${REGISTRY_URL}/${token} | sh`, {
    ...env,
    ...(endpoint === undefined ? {} : { PEERAGE_ENDPOINT: endpoint }),
    ...(routes === '' ? {} : { PEERAGE_ROUTES: routes }),
  });
}

async function enrolWithJoin(host: Host, name: MemberName, token: string): Promise<void> {
  const endpoint = endpointOf(name);
  const routes = routesOf(name).join(',');
  const options = [
    ...(endpoint === undefined ? [] : ['--endpoint', endpoint]),
    ...(routes === '' ? [] : ['--routes', routes]),
  ];
  await host.output('peerage', ['join', `${REGISTRY_URL}/${token}`, ...options], { timeoutMs: ENROL_TIMEOUT_MS });
}

/** What a person types at a root prompt. */
async function type(host: Host, lines: string, env: Readonly<Record<string, string>> = {}): Promise<void> {
  await host.output('bash', ['--norc', '-euo', 'pipefail', '-c', lines], { env, timeoutMs: ENROL_TIMEOUT_MS });
}

function endpointOf(name: MemberName): string | undefined {
  return STATIC.includes(name) ? `${name}.example.net:${NETWORK.port}` : undefined;
}

function routesOf(name: MemberName): string[] {
  return SITES.filter(({ gateway }) => gateway === name).flatMap(({ prefixes }) => [prefixes[4], prefixes[6]]);
}
