/** The core runs where Cloudflare's Workers do, with none of Node's modules. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Miniflare } from 'miniflare';
import { bundle } from './bundle.ts';
import { EXPECTED, probe } from './handshake-probe.ts';

const WORKER = `
  import { probe } from './handshake-probe.ts';
  export default { fetch: async () => new Response(await probe()) };
`;

describe('the core in workerd', () => {
  it('does a handshake and carries packets, without any compatibility flag', async () => {
    const script = await bundle(WORKER, 'neutral');
    const worker = new Miniflare({ modules: true, script, compatibilityDate: '2026-07-01', compatibilityFlags: [] });
    try {
      const answer = await worker.dispatchFetch('http://worker/');
      assert.equal(await answer.text(), EXPECTED);
    } finally {
      await worker.dispose();
    }
  });

  it('does the same in this runtime', async () => {
    assert.equal(await probe(), EXPECTED);
  });

  it('would not have been bundled with a module of Node', async () => {
    await assert.rejects(bundle(`import 'node:fs'; ${WORKER}`, 'neutral'), /Could not resolve "node:fs"/);
  });
});
