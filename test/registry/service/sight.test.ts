/** Who sees whom, whatever happens in whatever order: a host's list is what a slow and simple model says, and no more. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import * as fc from 'fast-check';
import { mergePeerList, type PeerSet } from '../../../src/agent/merge.ts';
import { addHost } from '../../../src/registry/service/enrol.ts';
import { changeHost, getHost, removeHost } from '../../../src/registry/service/hosts.ts';
import { changeNetwork, findNetwork } from '../../../src/registry/service/networks.ts';
import { listPeers } from '../../../src/registry/service/peers.ts';
import { sees } from '../../../src/registry/service/sight.ts';
import { someKey } from '../lab.ts';
import { accepted, ADMIN, startServices } from './service-lab.ts';

/** As it goes over the wire. */
type SightRule = { from: string[]; to: string[] };

/** After which all is forgotten of what is over. */
const LONG_MS = 32 * 86_400_000;
const TAGS = ['office', 'servers', 'guests'];
const group = fc.uniqueArray(fc.constantFrom('*', ...TAGS), { minLength: 1, maxLength: 2 });
const rules = fc.option(fc.array(fc.record({ from: group, to: group }), { maxLength: 3 }), { nil: null });
const tags = fc.subarray(TAGS);
const who = fc.nat(7);
type Step =
  | { do: 'add' | 'tag'; who: number; tags: string[] }
  | { do: 'remove' | 'fetch'; who: number }
  | { do: 'rule'; rules: SightRule[] | null }
  | { do: 'wait' };
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('add' as const), who, tags }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('tag' as const), who, tags }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('remove' as const), who }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('rule' as const), rules }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('fetch' as const), who }) },
  { weight: 1, arbitrary: fc.constant({ do: 'wait' as const }) },
);

interface ModelHost {
  tags: string[];
  publicKey: string;
  hostKey: string;
  list: PeerSet;
  /** Keys that it was allowed to see at any time. */
  allowed: Set<string>;
}

/** The definition, pair by pair and tag by tag. */
function modelSees(a: string[], b: string[], rules: SightRule[] | null): boolean {
  if (rules === null) return true;
  const pairs = rules.flatMap(({ from, to }) => from.flatMap((f) => to.map((t) => [f, t] as const)));
  const has = (own: string[], tag: string): boolean => tag === '*' || own.some((each) => each === tag);
  return pairs.some(([f, t]) => (has(a, f) && has(b, t)) || (has(a, t) && has(b, f)));
}

describe('who sees whom', () => {
  test('sight is mutual, and everybody sees everybody without rules', () => {
    const property = fc.property(tags, tags, rules, (a, b, someRules) => {
      assert.equal(sees(a, b, someRules), sees(b, a, someRules));
      assert.equal(sees(a, b, someRules), modelSees(a, b, someRules));
      assert.equal(sees(a, b, null), true);
      assert.equal(sees(a, b, []), false);
    });
    fc.assert(property, { seed: 1 });
  });

  test('lists and their differences hold what a host may see, and never name anybody else', async (t) => {
    const { ports, caller, clock, database } = await startServices(t);
    const run = async (steps: Step[]): Promise<void> => {
      const hosts = new Map<number, ModelHost>();
      let now: SightRule[] | null = null;
      const setRules = async (next: SightRule[] | null): Promise<void> => {
        const { revision } = accepted(await findNetwork('home', ports));
        accepted(await changeNetwork('home', { rules: next }, { ...ADMIN, ifRevision: revision }, ports));
        now = next;
      };
      const visibleTo = (own: ModelHost): string[] =>
        [...hosts.values()]
          .filter((other) => other !== own && modelSees(own.tags, other.tags, now))
          .map(({ publicKey }) => publicKey)
          .sort();
      const note = (): void => {
        for (const host of hosts.values()) for (const key of visibleTo(host)) host.allowed.add(key);
      };
      const fetch = async (host: ModelHost): Promise<void> => {
        const since = host.list.version === 0 ? undefined : host.list.version;
        const list = await listPeers(await caller(host.hostKey), since, ports);
        for (const key of [...list.peers.map(({ publicKey }) => publicKey), ...list.removed])
          assert(host.allowed.has(key), 'a key that the host was never allowed to see');
        assert(list.version >= host.list.version, 'a version goes back');
        host.list = mergePeerList(host.list, list, host.publicKey)!;
        assert.deepEqual(host.list.peers.map(({ publicKey }) => publicKey).sort(), visibleTo(host));
      };
      await setRules(null);
      for (const each of [...steps, ...Array.from({ length: 8 }, (_, i): Step => ({ do: 'fetch', who: i }))]) {
        if (each.do === 'rule') await setRules(each.rules);
        else if (each.do === 'wait') clock.now += LONG_MS;
        else {
          const path = { network: 'home', host: `host-${each.who}` };
          const host = hosts.get(each.who);
          if (each.do === 'add' && host === undefined) {
            const publicKey = someKey();
            const { hostKey } = accepted(await addHost('home', { name: path.host, publicKey }, ADMIN, ports));
            hosts.set(each.who, { tags: [], publicKey, hostKey, list: { version: 0, peers: [] }, allowed: new Set() });
          }
          if (each.do === 'add' || (each.do === 'tag' && host !== undefined)) {
            const { version } = accepted(await getHost(path, ports));
            accepted(await changeHost(path, { tags: each.tags }, { ...ADMIN, ifVersion: version }, ports));
            note(); // before its tags, too, others may have seen it
            hosts.get(each.who)!.tags = each.tags;
          }
          if (each.do === 'remove' && host !== undefined) {
            accepted(await removeHost(path, ADMIN, ports));
            hosts.delete(each.who);
          }
          if (each.do === 'fetch' && host !== undefined) await fetch(host);
        }
        note();
      }
      for (const i of hosts.keys()) accepted(await removeHost({ network: 'home', host: `host-${i}` }, ADMIN, ports));
      clock.now += LONG_MS;
      accepted(await findNetwork('home', ports));
      const { results } = await database
        .prepare('SELECT (SELECT count(*) FROM hosts) + count(*) AS n FROM tag_versions')
        .all();
      assert.deepEqual(results, [{ n: 0 }], 'nothing is left of them');
    };
    const property = fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 40 }), run);
    await fc.assert(property, { numRuns: 40, seed: 1 });
  });

  test('a change of rules or tags gives a new list to those it concerns, and differences to the others', async (t) => {
    const { ports, caller } = await startServices(t);
    const keys: Record<string, string> = {};
    for (const [name, own] of Object.entries({
      pc: ['office'],
      web: ['servers'],
      db: ['servers'],
      phone: ['guests'],
    })) {
      keys[name] = accepted(await addHost('home', { name, publicKey: someKey() }, ADMIN, ports)).hostKey;
      const { version } = accepted(await getHost({ network: 'home', host: name }, ports));
      const act = { ...ADMIN, ifVersion: version };
      accepted(await changeHost({ network: 'home', host: name }, { tags: own }, act, ports));
    }
    const setRules = async (next: SightRule[]): Promise<void> => {
      const { revision } = accepted(await findNetwork('home', ports));
      accepted(await changeNetwork('home', { rules: next }, { ...ADMIN, ifRevision: revision }, ports));
    };
    /** The version that each has been told. */
    const told = async (): Promise<Record<string, number>> => {
      const versions = Object.entries(keys).map(async ([name, key]) => {
        const { version } = await listPeers(await caller(key), undefined, ports);
        return [name, version] as const;
      });
      return Object.fromEntries(await Promise.all(versions));
    };
    type Answers = Record<string, [full: boolean, peers: string[]]>;
    const answers = async (since: Record<string, number>): Promise<Answers> => {
      const lists = Object.entries(keys).map(async ([name, key]) => {
        const { full, peers } = await listPeers(await caller(key), since[name], ports);
        return [name, [full, peers.map((peer) => peer.name).sort()] as [boolean, string[]]] as const;
      });
      return Object.fromEntries(await Promise.all(lists));
    };
    await setRules([
      { from: ['office'], to: ['servers'] },
      { from: ['servers'], to: ['servers'] },
    ]);
    const since = await told();
    await setRules([{ from: ['office'], to: ['servers'] }]);
    assert.deepEqual(await answers(since), {
      pc: [false, []],
      web: [true, ['pc']],
      db: [true, ['pc']],
      phone: [false, []],
    });
    const { version } = accepted(await getHost({ network: 'home', host: 'phone' }, ports));
    const before = await told();
    const act = { ...ADMIN, ifVersion: version };
    accepted(await changeHost({ network: 'home', host: 'phone' }, { tags: ['office'] }, act, ports));
    assert.deepEqual(await answers(before), {
      pc: [false, []],
      web: [true, ['pc', 'phone']],
      db: [true, ['pc', 'phone']],
      phone: [true, ['db', 'web']],
    });
  });
});
