/**
 * The registry as a part of one's own Hono app, below /vpn and beside the app's own routes.
 *
 *   PORT=8080 PUBLIC_URL=https://example.net/vpn node examples/embedded-registry/embedded-registry.ts registry.db
 */
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import process from 'node:process';
import { serve, type HttpBindings } from '@hono/node-server';
import { Hono } from 'hono';
import { openDatabase } from 'peerage/node';
import { createRegistry } from 'peerage/registry';

const { PORT: port = '8080', PUBLIC_URL: publicUrl = `http://127.0.0.1:${port}/vpn` } = process.env;
const [file = 'registry.db'] = process.argv.slice(2);

const database = await openDatabase(file);
const registry = await createRegistry({
  database,
  publicUrl,
  peerAddress: (c) => (c.env as HttpBindings).incoming.socket.remoteAddress ?? '', // what this server passes
});

const app = new Hono();
app.get('/', (c) => c.text('This is our own app.\n'));
app.mount('/vpn', (request, env) => registry.app.fetch(request, env));

const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: Number(port) });
await once(server, 'listening');
const { port: bound } = server.address() as AddressInfo; // not a pipe
const adminKey = await registry.issueFirstAdminKey();
if (adminKey !== undefined) console.log(`admin key, shown this once: ${adminKey}`);
console.log(`listening on http://127.0.0.1:${bound}, the registry is ${publicUrl}`);

process.once('SIGTERM', () => {
  registry.close(); // answers those that wait for news
  server.close(() => database.close());
});
