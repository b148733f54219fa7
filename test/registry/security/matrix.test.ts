/**
 * Every operation of the document, with every credential there is, against what is one's own, what is another's and what is not
 * there: whoever is not named gets the same answer for all three, and changes nothing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CreatedToken, Enrolled } from '../../../src/registry/wire.ts';
import { expectStatus, someKey, startLab, type Answer, type Lab } from '../lab.ts';
import { operationsOf, type Operation } from '../operations.ts';

type Role = 'adminKey' | 'enrolmentToken' | 'hostKey';

interface Holder {
  readonly what: string;
  readonly credential: string | null;
  /** Undefined: it opens nothing. */
  readonly role: Role | undefined;
  readonly network?: string;
}

interface Target {
  readonly network: string;
  readonly host: string;
  readonly token: string;
}

/** A body that would like to be believed. */
const BODY = { role: 'admin', network: 'away', owner: 'arnold' };
const YEAR_SECONDS = 31_536_000;

test('who is not named by an operation learns nothing from it and changes nothing', async (t) => {
  const lab = await startLab(t);
  const { holders, targets } = await populate(lab);
  const before = await snapshot(lab);
  let refused = 0;
  for (const operation of await operations(lab))
    for (const holder of holders) {
      if (operation.roles.length === 0 || (holder.role !== undefined && operation.roles.includes(holder.role)))
        continue;
      const answers = await askAll(lab, operation, holder, targets);
      const what = `${operation.method} ${operation.path} with ${holder.what}`;
      // The prefix of a credential tells its kind to anyone; everything else about it stays unsaid.
      const status = holder.role === undefined ? [401, 403] : [403];
      for (const answer of answers) assert(status.includes(answer.status), `${what}: ${answer.status} ${answer.text}`);
      assert.deepEqual(new Set(answers.map(withoutId)).size, 1, `${what}: ${answers.map(({ text }) => text).join()}`);
      refused += answers.length;
    }
  assert(refused > 300, `${refused} requests were refused`);
  assert.equal(await snapshot(lab), before);
});

test('a credential that opens nothing gets the answer of one that nobody made, for whatever reason', async (t) => {
  const lab = await startLab(t);
  const { holders, targets } = await populate(lab);
  const dead = holders.filter(({ role, credential }) => role === undefined && credential !== null);
  for (const operation of await operations(lab))
    for (const prefix of ['pga_', 'pgt_', 'pgh_']) {
      const kind = dead.filter(({ credential }) => credential?.startsWith(prefix));
      const answers = (await Promise.all(kind.map((holder) => askAll(lab, operation, holder, targets)))).flat();
      assert.equal(new Set(answers.map(withoutId)).size, 1, `${operation.method} ${operation.path} ${prefix}`);
    }
});

test('a host reads of its own network only, whatever it asks for', async (t) => {
  const lab = await startLab(t);
  const { holders, targets } = await populate(lab);
  const strangers: Readonly<Record<string, RegExp>> = { home: /arnold/, away: /teddy/ };
  let read = 0;
  for (const operation of await operations(lab)) {
    if (operation.method !== 'GET' || !operation.roles.includes('hostKey')) continue;
    for (const holder of holders.filter(({ role }) => role === 'hostKey')) {
      const asked = { ...operation, path: `${operation.path}?network=away&host=arnold` };
      for (const [i, { status, text }] of (await askAll(lab, asked, holder, targets)).entries()) {
        // 422 and 426: it wants more than that; 501: events at the edge, sockets elsewhere.
        const isOwn = !operation.path.includes('{network}') || targets[i]!.network === holder.network;
        assert(
          isOwn ? status < 300 || [422, 426, 501].includes(status) : status === 404,
          `${operation.path}: ${status} ${text}`,
        );
        assert.doesNotMatch(text, strangers[holder.network ?? '']!, operation.path);
        read++;
      }
    }
  }
  assert(read >= 16, `${read} answers were read`);
});

async function operations(lab: Lab): Promise<Operation[]> {
  return operationsOf(JSON.parse((await lab.ask('GET', '/openapi.json', { as: null })).text)).filter(
    ({ roles }) => roles.length > 0,
  );
}

/** Two networks with a host and a token each, and every state that a credential can be in. */
async function populate(lab: Lab): Promise<{ holders: Holder[]; targets: Target[] }> {
  expectStatus(201, await lab.ask('POST', '/v1/networks', { body: { name: 'away' } }));
  const token = async (network: string, options: object = {}) => {
    const body = { uses: 2, expiresIn: YEAR_SECONDS, ...options };
    return expectStatus(201, await lab.ask('POST', `/v1/networks/${network}/tokens`, { body })).read(CreatedToken);
  };
  const enrol = async (as: string, name: string) => {
    const headers = { accept: 'application/json' };
    const body = { name, publicKey: someKey() };
    return expectStatus(201, await lab.ask('POST', '/v1/enroll', { as, headers, body })).read(Enrolled).hostKey;
  };
  const [home, away] = [await token('home'), await token('away')];
  const [used, revoked, expired] = [await token('home', { uses: 1 }), await token('home'), await token('home')];
  const [teddy, arnold] = [await enrol(home.token, 'teddy'), await enrol(away.token, 'arnold')];
  const removed = await enrol(used.token, 'removed');
  expectStatus(204, await lab.ask('DELETE', '/v1/networks/home/hosts/removed'));
  expectStatus(204, await lab.ask('DELETE', `/v1/networks/home/tokens/${revoked.id}`));
  const brief = await token('home', { expiresIn: 1 });
  lab.clock.now += 2000;
  const unknown = (prefix: string): Holder => {
    return { what: `an unknown ${prefix}`, credential: `${prefix}${'x'.repeat(43)}`, role: undefined };
  };
  const forged = (what: string, credential: string): Holder => {
    return { what: `${what} with another end`, credential: credential.slice(0, 20) + 'x'.repeat(27), role: undefined };
  };
  const holders: Holder[] = [
    { what: 'nothing', credential: null, role: undefined },
    { what: 'the admin key', credential: lab.adminKey, role: 'adminKey' },
    { what: 'a token of home', credential: home.token, role: 'enrolmentToken', network: 'home' },
    { what: 'a token of away', credential: away.token, role: 'enrolmentToken', network: 'away' },
    { what: 'a host of home', credential: teddy, role: 'hostKey', network: 'home' },
    { what: 'a host of away', credential: arnold, role: 'hostKey', network: 'away' },
    { what: 'a used token', credential: used.token, role: undefined },
    { what: 'a revoked token', credential: revoked.token, role: undefined },
    { what: 'an expired token', credential: brief.token, role: undefined },
    { what: 'a removed host', credential: removed, role: undefined },
    ...['pga_', 'pgt_', 'pgh_'].map(unknown),
    forged('the admin key', lab.adminKey),
    forged('a token', home.token),
    forged('a host key', teddy),
  ];
  const targets = [
    { network: 'home', host: 'teddy', token: expired.id },
    { network: 'away', host: 'arnold', token: away.id },
    { network: 'away', host: 'teddy', token: home.id },
    { network: 'nowhere', host: 'nobody', token: 'pgt_aaaaaaaa' },
  ];
  return { holders, targets };
}

/** One answer for each target. */
async function askAll(lab: Lab, { method, path, body }: Operation, { credential }: Holder, targets: readonly Target[]) {
  lab.clock.now += 60_000; // so that refused credentials stay 401
  return Promise.all(
    targets.map((target) => {
      const filled = path.replaceAll(/\{(\w+)\}/g, (_, name: string) => ({ ...target })[name] ?? 'nothing');
      return lab.ask(method, filled, { as: credential, ...(body && { body: BODY }) });
    }),
  );
}

/** All that an administrator can see. */
async function snapshot(lab: Lab): Promise<string> {
  const networks = ['/v1/networks/home', '/v1/networks/away'];
  const paths = ['/v1/networks', '/v1/audit', ...networks.flatMap((n) => [n, `${n}/hosts`, `${n}/tokens`])];
  const answers = await Promise.all(paths.map((path) => lab.ask('GET', path)));
  return answers.map((answer) => expectStatus(200, answer).text).join('\n');
}

function withoutId({ status, text }: Answer): string {
  return `${status} ${text.replace(/"requestId":"[^"]*"/, '')}`;
}
