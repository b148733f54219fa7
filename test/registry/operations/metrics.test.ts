/** What Prometheus and load balancers are told, and by which route a request is counted and logged. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { isEdge } from '../engines/engine.ts';
import { runtime } from '../../runtime/this-runtime.ts';
import { expectProblem, expectStatus, startLab, type Lab } from '../lab.ts';

/** The text format, version 0.0.4: one family after the other, each with HELP, TYPE and samples. */
const FAMILY =
  /^# HELP (?<name>[a-z_]+) [^\n]+\n# TYPE \k<name> (?:counter|gauge)\n(?:\k<name>(?:\{[a-z]+="(?:[^"\\\n]|\\["\\n])*"(?:,[a-z]+="(?:[^"\\\n]|\\["\\n])*")*\})? \d+\n)+/;

async function read(lab: Lab): Promise<Map<string, number>> {
  const answer = expectStatus(200, await lab.ask('GET', '/v1/metrics'));
  assert.equal(answer.headers.get('content-type'), 'text/plain; version=0.0.4; charset=utf-8');
  const names = [];
  let rest = answer.text;
  while (rest !== '') {
    const match = FAMILY.exec(rest) ?? assert.fail(`no family of metrics: ${rest}`);
    names.push(match.groups!['name']);
    rest = rest.slice(match[0].length);
  }
  assert.equal(new Set(names).size, names.length, 'each family comes once');
  const samples = answer.text.split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  return new Map(samples.map((line) => [line.replace(/ \d+$/, ''), Number(/\d+$/.exec(line)![0])]));
}

describe('metrics', () => {
  test('hosts, good tokens and versions are counted by network', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token({ uses: 2 });
    await lab.token({ expiresIn: 60 });
    await lab.enrol(token, { name: 'teddy' });
    const { hostKey } = await lab.enrol(token, { name: 'maeve' });
    expectStatus(204, await lab.ask('DELETE', '/v1/self', { as: hostKey }));
    const before = await read(lab);
    assert.equal(before.get('peerage_hosts{network="home"}'), 1);
    assert.equal(before.get('peerage_tokens{network="home"}'), 1);
    // Three changes, at a time that stands still.
    assert.equal(before.get('peerage_network_version{network="home"}'), lab.clock.now + 2);
    lab.clock.now += 61_000;
    assert.equal((await read(lab)).get('peerage_tokens{network="home"}'), 0);
    assert.equal(before.get('peerage_waiting_requests'), 0);
    assert.equal(before.has('peerage_database_bytes'), !isEdge);
  });

  test('requests are counted and logged by the route that answered, and nothing of what they hold', async (t) => {
    const lab = await startLab(t);
    const token = await lab.token();
    const count = async (labels: string) => (await read(lab)).get(`peerage_http_requests_total{${labels}}`);
    for (const path of ['/healthz', '/readyz', `/${token}`, '/openapi.json']) await lab.ask('GET', path, { as: null });
    await lab.ask('GET', `/v1/nothing/${token}`);
    await lab.ask('GET', '/v1/networks/home/hosts/nobody');
    await lab.ask('GET', '/v1/networks', { as: null });
    assert.equal(await count('method="GET",route="/healthz",status="200"'), 1);
    assert.equal(await count('method="GET",route="/readyz",status="200"'), 1);
    assert.equal(await count('method="GET",route="/openapi.json",status="200"'), 1);
    assert.equal(await count('method="GET",route="/:token",status="200"'), 1);
    assert.equal(await count('method="GET",route="/v1/networks/:network/hosts/:host",status="404"'), 1);
    assert.equal(await count('method="GET",route="/v1/networks",status="401"'), 1);
    const all = JSON.stringify([...(await read(lab))]);
    assert(!all.includes('nothing') && !all.includes('nobody') && !all.includes(token.slice(0, 12)));
    if (!isEdge)
      assert(
        lab.logged.some((line) => line.includes('"route":"/healthz"')),
        lab.logged.join('\n'),
      );
  });

  test('health and readiness need no credential', async (t) => {
    const lab = await startLab(t);
    assert.equal(expectStatus(200, await lab.ask('GET', '/healthz', { as: null })).text, '{"status":"ok"}');
    assert.equal(expectStatus(200, await lab.ask('GET', '/readyz', { as: null })).text, '{"status":"ready"}');
  });

  test('readiness ends where the database fails, without a word of why; health does not, and both are there when it is back', async (t) => {
    const lab = await startLab(t);
    const rename = async (from: string, to: string) => {
      const database = lab.edge?.database ?? (await runtime.openDatabase(lab.databaseFile));
      await database.prepare(`ALTER TABLE ${from} RENAME TO ${to}`).run();
      if ('close' in database && typeof database.close === 'function') database.close();
    };
    const ready = () => lab.ask('GET', '/readyz', { as: null });
    await rename('networks', 'elsewhere');
    const answer = await ready();
    expectProblem('internal', expectStatus(500, answer));
    assert.doesNotMatch(answer.text, /sql|table|networks/i);
    expectStatus(200, await lab.ask('GET', '/healthz', { as: null }));
    await rename('elsewhere', 'networks');
    expectStatus(200, await ready());
  });
});
