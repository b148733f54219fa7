import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseEndpoint } from '../../src/config/config.ts';
import { resolveEndpoint } from '../../src/cli/resolve.ts';

const ANSWERS: Record<string, { exitCode: number; stdout: string }> = {
  'getent ahosts dolores.example.net': {
    exitCode: 0,
    stdout: '2001:db8::7     STREAM dolores.example.net\n203.0.113.54    STREAM \n',
  },
  // As a host without an IPv4 address of its own hears of a name with one.
  'getent ahosts maeve.example.net': {
    exitCode: 0,
    stdout: '::ffff:192.0.2.7 STREAM maeve.example.net\n::ffff:192.0.2.7 DGRAM  \n',
  },
};

/** A host that knows two names and one interface. */
const ports = {
  processes: {
    run: async (program: string, args: readonly string[]) => ({
      exitCode: 2,
      stdout: '',
      stderr: '',
      ...ANSWERS[[program, ...args].join(' ')],
    }),
  },
  files: { read: async (path: string) => (path === '/sys/class/net/eth0/ifindex' ? '7\n' : undefined) },
} as unknown as Parameters<typeof resolveEndpoint>[0]; // all that it uses

async function resolve(text: string): Promise<string | undefined> {
  return (await resolveEndpoint(ports, parseEndpoint(text)!))?.toString();
}

describe('the endpoint of a peer', () => {
  it('is taken as it is when it is an address', async () => {
    assert.equal(await resolve('203.0.113.54:55867'), '203.0.113.54:55867');
    assert.equal(await resolve('[2001:db8::1]:55867'), '[2001:db8::1]:55867');
  });

  it('is the first address of a name, in the order of this host', async () => {
    assert.equal(await resolve('dolores.example.net:55867'), '[2001:db8::7]:55867');
    assert.equal(await resolve('nowhere.invalid:55867'), undefined);
  });

  it('is an IPv4 address though the resolver mapped it into IPv6', async () => {
    assert.equal(await resolve('maeve.example.net:5'), '192.0.2.7:5');
  });

  it('may name the interface of a link-local address, by name or by number', async () => {
    assert.equal(await resolve('[fe80::1%eth0]:1'), '[fe80::1%7]:1');
    assert.equal(await resolve('[fe80::1%3]:1'), '[fe80::1%3]:1');
    assert.equal(await resolve('[fe80::1%eth9]:1'), undefined);
  });
});
