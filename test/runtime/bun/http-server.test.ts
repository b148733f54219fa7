import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { startHttpServer } from '../../../runtime/bun/http-server.ts';
import { httpServerConformance } from '../../conformance/http-server.ts';

/** Bun hangs up after 10 seconds of silence unless told otherwise, and looks every four. */
const LONGER_MS = 15_000;

httpServerConformance('of Bun', startHttpServer);

test('a request that is held for longer than Bun itself would wait is answered', async () => {
  const server = await startHttpServer({
    fetch: () => setTimeout(LONGER_MS, new Response('at last')),
    hostname: '127.0.0.1',
    port: 0,
  });
  try {
    assert.equal(await (await fetch(server.url)).text(), 'at last');
  } finally {
    await server.close();
  }
});
