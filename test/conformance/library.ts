/** What `peerage/node`, `/bun` and `/deno` must give to a program: ports for a real tunnel, and a database for a registry. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { promisify } from 'node:util';
import { createTunnel, generateKeyPair, MemoryTun, parseCidr, parseEndpoint, type Tunnel } from 'peerage';
import { createRegistry } from 'peerage/registry';
import { createEchoReply } from '../../examples/echo/echo-reply.ts';
import type { OpenDatabase } from '../../runtime/linux/database.ts';
import type { LinuxPorts, OpenPortsOptions } from '../../runtime/linux/open-ports.ts';
import { inNamespace } from './in-namespace.ts';

export interface RuntimeLibrary {
  openPorts: (options?: OpenPortsOptions) => Promise<LinuxPorts>;
  openDatabase: (file: string) => Promise<OpenDatabase>;
}

const everything = ['10.9.0.0/24', 'fd09::/64'].map((text) => ({ cidr: parseCidr(text)! }));

export function libraryConformance(file: string, { openPorts, openDatabase }: RuntimeLibrary): void {
  inNamespace(file, ['ping'], () => {
    describe('the library', () => {
      test("carries the system's pings through a real interface to a tunnel without one", async () => {
        const ports = await openPorts({ crypto: 'noble' });
        assert.equal(ports.parts.crypto.name, 'noble');
        const [system, program] = [generateKeyPair(), generateKeyPair()];
        const memory = new MemoryTun();
        memory.onHostReadable(() => memory.send(createEchoReply(memory.receive()!)!));
        const tun = ports.createTun('lib0');
        const tunnels: Tunnel[] = [];
        try {
          const responder = createTunnel({ ...ports.parts, tun: memory, udp: ports.createUdp() });
          tunnels.push(responder);
          const peer = { publicKey: system.publicKey, allowedIps: everything };
          responder.configure({ privateKey: program.privateKey, peers: [peer] });
          memory.setLink('up');
          const { listenPort } = responder.describe();
          const initiator = createTunnel({ ...ports.parts, tun, udp: ports.createUdp() });
          tunnels.push(initiator);
          const endpoint = parseEndpoint(`127.0.0.1:${listenPort}`)!;
          const peers = [{ publicKey: program.publicKey, endpoint, allowedIps: everything }];
          initiator.configure({ privateKey: system.privateKey, peers });

          await run('ip', 'address', 'add', '10.9.0.1/24', 'dev', tun.name);
          await run('ip', 'address', 'add', 'fd09::1/64', 'dev', tun.name, 'nodad');
          await run('ip', 'link', 'set', tun.name, 'up');
          for (const address of ['10.9.0.2', 'fd09::2']) await run('ping', '-c', '2', '-i', '0.2', '-w', '60', address);
        } finally {
          await Promise.all(tunnels.map((tunnel) => tunnel.close()));
          await ports.close();
        }
        await assert.rejects(run('ip', 'link', 'show', 'lib0'), 'the interface went with its tunnel');
      });

      test('refuses a crypto provider that there is not', async () => {
        await assert.rejects(openPorts({ crypto: 'rot13' }), { name: 'UserError' });
      });

      test('opens a database that only its owner reads, for a registry', async () => {
        const folder = await mkdtemp(join(tmpdir(), 'peerage-library-'));
        const path = join(folder, 'registry.db');
        const database = await openDatabase(path);
        const registry = await createRegistry({ database, peerAddress: () => '127.0.0.1' });
        const adminKey = await registry.issueFirstAdminKey();
        assert.match(adminKey ?? '', /^pga_/);
        assert.equal(await registry.issueFirstAdminKey(), undefined);
        const headers = { authorization: `Bearer ${adminKey}` };
        assert.equal((await registry.app.request('http://localhost/v1/networks', { headers })).status, 200);
        registry.close();
        database.close();
        assert.equal((await stat(path)).mode & 0o777, 0o600);
        await rm(folder, { recursive: true });
      });
    });
  });
}

/** Not synchronously: the tunnel lives in this process. */
async function run(program: string, ...args: string[]): Promise<void> {
  await promisify(execFile)(program, args);
}
