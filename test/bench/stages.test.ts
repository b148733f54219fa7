/** The arithmetic and the table of `npm run bench:stages`, and what `npm run bench:heap` reads in logs of collections. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { countCollections } from '../../bench/heap/collections.ts';
import { parseRuntimes } from '../../bench/stages/runtimes.ts';
import { formatTable, parseOpensslSpeed, shortest } from '../../bench/stages/table.ts';

test('of several rounds the shortest time counts, of a stage and of its limit each', () => {
  const rounds = [
    { seal: { ours: 700 }, send: { ours: 250, limit: 190 } },
    { seal: { ours: 900 }, send: { ours: 210, limit: 200 } },
  ];
  assert.deepEqual(shortest(rounds), { seal: { ours: 700, limit: undefined }, send: { ours: 210, limit: 190 } });
});

test('a stage without a limit of its own is held to openssl speed, and a part of another stage is not summed up', () => {
  const figures = { seal: { ours: 600 }, checksum: { ours: 40, limit: 20 }, send: { ours: 220, limit: 200 } };
  const [header, , seal, checksum, send, all] = formatTable([{ runtime: 'bun', figures }], 500).split('\n');
  assert.match(header!, /stage .* bun/);
  assert.match(seal!, /seal .* 600 \/ 500 {2}1\.20/);
  assert.match(checksum!, /40 \/ {2}20 {2}2\.00/);
  assert.match(send!, /220 \/ 200 {2}1\.10/);
  assert.match(all!, /all .* 820 /);
});

test('openssl speed is read in nanoseconds a message, and something else is no figure', () => {
  const said =
    '+DT:ChaCha20-Poly1305:1:1420\n+R:1426736:ChaCha20-Poly1305:0.83\n+H:1420\n+F:25:ChaCha20-Poly1305:2e9\n';
  assert.throws(() => parseOpensslSpeed(said, 1420), /nothing that can be read/);
  assert.equal(parseOpensslSpeed(said.replace('2e9', '2840000000.00'), 1420), 500);
});

test('a runtime that is not there is refused by name', () => {
  assert.deepEqual(parseRuntimes('bun,node'), ['bun', 'node']);
  assert.throws(() => parseRuntimes('nodejs'), /there is no nodejs, only node, bun, deno/);
});

test('collections of V8 are counted between the two that were forced', () => {
  const forced =
    '[9:0x1] 90 ms: Mark-Compact 4.5 (5.8) -> 4.1 (6.8) MB, 9.0 / 0.0 ms testing; GC in old space requested';
  const other = '[9:0x1] 99 ms: Scavenge 5.1 (6.8) -> 4.1 (6.8) MB, 0.2 / 0.0 ms allocation failure;';
  assert.equal(countCollections([other, forced, other, '{"packets":1}', other, forced, other].join('\n')), 2);
  assert.equal(countCollections([forced, forced].join('\n')), 0);
  assert.throws(() => countCollections(other), /no marks/);
});

test('collections of JavaScriptCore are counted between two marks, without the one that was forced before the second', () => {
  const eden = '[GC<0x2>: START M 8934kb => EdenCollection, a=0kb END]';
  const full = '[GC<0x2>: START M 864kb => FullCollection, a=0kb END]';
  assert.equal(countCollections([eden, full, 'heap-mark', eden, eden, full, 'heap-mark'].join('\n')), 2);
  assert.equal(countCollections([full, 'heap-mark', full, 'heap-mark'].join('\n')), 0);
});
