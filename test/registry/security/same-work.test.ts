/** Credentials that open nothing cost the registry the same work whatever is wrong with them, and comparing looks at every byte. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { equalBytes } from '../../../src/bytes.ts';
import {
  authenticateAdmin,
  authenticateHost,
  authenticateToken,
  issueFirstAdminKey,
} from '../../../src/registry/service/credentials.ts';
import { enrol } from '../../../src/registry/service/enrol.ts';
import type { RegistryPorts } from '../../../src/registry/service/ports.ts';
import { addToken } from '../../../src/registry/service/tokens.ts';
import { someKey } from '../lab.ts';
import { accepted, ADMIN, startServices } from '../service/service-lab.ts';

const ROLES = { pga_: authenticateAdmin, pgt_: authenticateToken, pgh_: authenticateHost };

test('an unknown credential asks the store and the hash as often as one with a known beginning', async (t) => {
  const { ports } = await startServices(t);
  const admin = await issueFirstAdminKey(ports);
  const { token } = accepted(await addToken('home', {}, ADMIN, ports));
  const holder = accepted(await authenticateToken(token, ports));
  const { hostKey } = accepted(await enrol({ name: 'teddy', publicKey: someKey() }, holder, ports));
  for (const known of [admin!, token, hostKey]) {
    const prefix = known.slice(0, 4) as keyof typeof ROLES; // they begin with one of the three
    const wrong = { unknown: prefix + 'x'.repeat(43), forged: known.slice(0, 12) + 'x'.repeat(35) };
    const work = await Promise.all(Object.values(wrong).map((text) => workOf(ROLES[prefix], text, ports)));
    assert.deepEqual(work[0], work[1], prefix);
    assert(work[0]!.length >= 2, 'it is looked up and hashed');
  }
});

test('comparing reads every byte, wherever the difference is', () => {
  const secret = Uint8Array.from({ length: 32 }, (_, i) => i);
  for (let i = 0; i <= secret.length; i++) {
    const other = secret.with(i % 32, i === 32 ? secret[0]! : 255);
    const read = new Set<string>();
    // A function call or a copy by the engine would not show here: but each byte that is looked at does.
    const watched = new Proxy(other, {
      get(target, key) {
        if (typeof key === 'string' && /^[0-9]+$/.test(key)) read.add(key);
        return Reflect.get(target, key, target);
      },
    });
    assert.equal(equalBytes(secret, watched), i === 32);
    assert.equal(read.size, secret.length, `a difference at ${i}`);
  }
});

type Authenticate = (text: string, ports: RegistryPorts) => Promise<{ ok: boolean }>;

/** Names of the ports' functions, as they were called. */
async function workOf(authenticate: Authenticate, text: string, ports: RegistryPorts): Promise<string[]> {
  const calls: string[] = [];
  const counted = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        if (typeof value !== 'function') return value;
        return (...args: unknown[]): unknown => {
          calls.push(String(key));
          return Reflect.apply(value, target, args);
        };
      },
    });
  const watched = counted({ ...ports, store: counted(ports.store) });
  assert.equal((await authenticate(text, watched)).ok, false);
  return calls.filter((name) => name !== 'wall');
}
