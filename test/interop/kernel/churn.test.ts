/** Nothing of a tunnel grows with use: 500 times up and down, and peers that come and go. */
import assert from 'node:assert/strict';
import { it } from 'node:test';
import { peerage } from '../implementation.ts';
import type { Host } from '../lab/host.ts';
import { Lab } from '../lab/lab.ts';
import { PORT } from '../pair.ts';
import { describeOurs } from '../pairings.ts';
import { Tunnel } from '../tunnel.ts';

const ROUNDS = 10;
/** Rounds after which compilers and pools have settled. */
const WARM_UP = 4;
const ROUND_TIMEOUT_MS = 600_000;
/** Of its own, that Bun's or Deno's may start later: less than one for each time. Node's start none. */
const POOL_THREADS = 7;
const MEMORY_SLACK_KB = 16_000;

/** 50 times down and up, each noticed by the daemon; once in between, 50 peers come and go. */
const ROUND = `
  listening() { ss -Hlnu 'sport = :${PORT}' | grep -q .; }
  for i in $(seq 50); do
    ip link set wg0 down; while listening; do :; done
    ip link set wg0 up; until listening; do :; done
  done
  for key in $(for i in $(seq 50); do wg genkey; done | tee /run/tmp/keys); do echo "[Peer]
    PublicKey = $key
    AllowedIPs = 10.0.0.0/8
    Endpoint = 127.0.0.1:9
    PersistentKeepalive = 1"; done >/run/tmp/peers
  wg addconf wg0 /run/tmp/peers
  for key in $(cat /run/tmp/keys); do echo peer $key remove; done | xargs wg set wg0`;

describeOurs('a tunnel that goes up and down 500 times', (ours) => {
  it('has no more descriptors, threads and memory than before', async (t) => {
    await using lab = await Lab.open();
    const host = await lab.host('a');
    const tunnel = await Tunnel.open(host, ours, { addresses: [], listenPort: PORT });
    const uses: Use[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      await host.output('sh', ['-ec', ROUND], { timeoutMs: ROUND_TIMEOUT_MS });
      uses.push(await useOf(host, tunnel.daemon.pid));
    }
    t.diagnostic(uses.map(({ memoryKb }) => `${memoryKb}`).join(' '));
    const settled = uses.slice(WARM_UP);
    const spare = ours === peerage ? 0 : POOL_THREADS;
    for (const { descriptors, threads } of settled) {
      assert.equal(descriptors, uses[0]!.descriptors);
      assert.ok(threads <= uses[0]!.threads + spare, `${uses[0]!.threads} threads became ${threads}`);
    }
    const [first, last] = [settled[0]!.memoryKb, settled.at(-1)!.memoryKb];
    assert.ok(last < first + MEMORY_SLACK_KB, `${first} kB became ${last} kB`);
  });
});

interface Use {
  descriptors: string;
  threads: number;
  memoryKb: number;
}

async function useOf(host: Host, pid: number): Promise<Use> {
  const status = await host.output('cat', [`/proc/${pid}/status`]);
  const field = (name: string): string => new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)![1]!;
  return {
    descriptors: await host.output('ls', [`/proc/${pid}/fd`]),
    threads: Number(field('Threads')),
    memoryKb: Number(field('VmRSS')),
  };
}
