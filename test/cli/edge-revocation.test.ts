/** An agent and a registry at the edge: workerd with D1 and the Durable Object to listen at, and hosts of the lab, one with a real tunnel. */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import type { Host } from '../interop/lab/host.ts';
import { Lab } from '../interop/lab/lab.ts';
import type { RunningProcess } from '../interop/lab/process.ts';
import { labOptions } from '../interop/lab/requirements.ts';
import { someKey } from '../registry/lab.ts';

const ADDRESS = '203.0.113.1';
const SERVE_EDGE = join(import.meta.dirname, '../registry/security/serve-edge.ts');
/** What the project promises for a host with an agent. */
const REVOCATION_MS = 5000;

describe('an agent that listens at the edge', labOptions('curl', 'wg'), () => {
  let lab: Lab;
  let desk: Host;
  let teddy: Host;
  let registry: RunningProcess;

  before(async () => {
    lab = await Lab.open();
    [desk, teddy] = [await lab.host('desk'), await lab.host('teddy')];
    const internet = await lab.switch();
    await lab.connect(desk, internet, { addresses: [`${ADDRESS}/24`] });
    await lab.connect(teddy, internet, { addresses: ['203.0.113.2/24'] });
    const folder = (await desk.output('mktemp', ['-d'])).trim();
    registry = await desk.spawn(process.execPath, [SERVE_EDGE, folder, ADDRESS], { env: { LOG_LEVEL: 'info' } });
    await desk.waitFor('the registry listens', () => registry.stdout.includes('\n'));
  });
  after(async () => lab[Symbol.asyncDispose]());

  const logged = () => linesOf(registry.stderr);

  it('lets go of a host that was removed within five seconds', async (t) => {
    const { url, adminKey } = JSON.parse(registry.stdout) as { url: string; adminKey: string };
    const env = { PEERAGE_REGISTRY: url, PEERAGE_ADMIN_KEY: adminKey };
    await desk.output('peerage', ['network', 'add', 'home'], { env });
    const printed = await desk.output('peerage', ['token', '--uses', '2', '--json'], { env });
    const { token, joinUrl } = JSON.parse(printed) as { token: string; joinUrl: string };
    await teddy.output('peerage', ['join', joinUrl]);
    await desk.waitFor('teddy listens', () =>
      logged().some(({ route, status }) => route === '/v1/socket' && status === 101),
    );
    // Dolores has no agent: all that is told is told to teddy.
    const key = someKey();
    const facts = ['--data-urlencode', 'name=dolores', '--data-urlencode', `publicKey=${key}`];
    await desk.output('curl', ['-fsS', `${url}/v1/enroll`, '-H', `Authorization: Bearer ${token}`, ...facts]);
    const peers = () => teddy.output('wg', ['show', 'wg0', 'peers']);
    await teddy.waitFor('teddy has dolores', async () => (await peers()).includes(key));
    const known = logged().length;
    await desk.output('peerage', ['rm', 'dolores', '--yes'], { env });
    await teddy.waitFor('teddy has let go of dolores', async () => !(await peers()).includes(key));
    const went = await teddy.waitFor('the agent says so', async () => {
      const said = await teddy.output('cat', ['/run/peerage/wg0.log']);
      return /^(\S+) wg0: went: dolores$/m.exec(said)?.[1];
    });
    // By the clock of the registry alone, since a slow machine makes programs late.
    const lines = logged().slice(known);
    const removal = lines.find(({ method, status }) => method === 'DELETE' && status === 204);
    const told = lines.find((line) => line.message === 'hosts were told' && line.told === 1);
    assert(removal !== undefined && told !== undefined, 'one ring has told teddy');
    const tookMs = told.at - removal.at;
    assert(tookMs < REVOCATION_MS, `teddy was told ${tookMs} ms after the removal`);
    t.diagnostic(`told after ${tookMs} ms, out of its tunnel and file after ${Date.parse(went) - removal.at} ms`);
  });
});

interface Line {
  at: number;
  message: string;
  method?: string;
  route?: string;
  status?: number;
  told?: number;
}

/** What a registry at the edge has logged, and when it did. */
function linesOf(log: string): Line[] {
  return [...log.matchAll(/^(\S+) (\{.*\})$/gm)].map(([, at = '', fields = '']) => ({
    ...(JSON.parse(fields) as Omit<Line, 'at'>), // what runtime/worker/console-log.ts writes
    at: Date.parse(at),
  }));
}
