import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import * as fc from 'fast-check';
import { SHOW_FIELDS } from '../../../src/cli/wg/show-format.ts';
import { formatGet } from '../../../src/uapi/format-get.ts';
import type { Host } from '../../interop/lab/host.ts';
import { labOptions } from '../../interop/lab/requirements.ts';
import { arbitraryState } from '../../uapi/arbitrary.ts';
import { BesideWg } from './beside-wg.ts';

const KEY = 'b8'.repeat(32);
const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const YEAR = 365 * DAY;
const AGES = [
  2,
  59,
  MINUTE,
  MINUTE + 1,
  HOUR - 1,
  HOUR,
  DAY - 1,
  DAY,
  DAY + HOUR,
  2 * DAY,
  YEAR - 1,
  YEAR,
  2 * YEAR + 61,
];
const COUNTS: readonly (number | bigint)[] = [
  ...[1, 10, 12, 20, 30, 40, 50, 52].flatMap((power) => [2 ** power - 1, 2 ** power, 1.005 * 2 ** power]),
  // Between two numbers of two decimals, where printf(3) rounds to the even one.
  ...[10, 20, 30, 40, 50].flatMap((power) => [1.125, 1.375, 1.625, 1.875, 2.125].map((factor) => factor * 2 ** power)),
  2n ** 53n + 1n,
  2n ** 63n + 1n,
  2n ** 64n - 1n,
];

describe('wg show and showconf', labOptions('wg'), () => {
  let beside: BesideWg;
  let host: Host;
  before(async () => {
    beside = await BesideWg.open();
    host = beside.host;
  });
  after(() => beside[Symbol.asyncDispose]());

  /**
   * "ago" moves on while they run: Debian's is asked before and after, and each line of ours is one of its two. When more
   * than a second has gone by between, it may be neither, and all are asked again.
   */
  async function sameNow(args: readonly string[], env: Record<string, string> = {}): Promise<string> {
    return host.waitFor(
      `the same output of ${args.join(' ')}`,
      async () => {
        const first = await beside.theirs(args, { env });
        const ours = await beside.ours(args, { env });
        const last = await beside.theirs(args, { env });
        const [before, now, after] = [first, ours, last].map(({ stdout }) => stdout.split('\n'));
        if (first.stdout === last.stdout) assert.deepEqual(ours, first, args.join(' '));
        assert.deepEqual([ours.stderr, ours.exitCode, now!.length], [first.stderr, first.exitCode, before!.length]);
        return now!.every((line, i) => line === before![i] || line === after![i]) ? ours.stdout : undefined;
      },
      { timeoutMs: 30_000 },
    );
  }

  it('print any state as Debian does', async () => {
    for (const [i, state] of fc.sample(arbitraryState, 6).entries()) {
      const name = `any${i}`;
      await beside.serve(name, [...formatGet(state)].join(''));
      await beside.same(['showconf', name]);
      await beside.same(['show', name, 'dump']);
      await sameNow(['show', name], { WG_HIDE_KEYS: 'never' });
    }
  });

  it('write ages, counts and intervals as Debian does, in every range of their units', async () => {
    const now = Math.floor(Date.now() / 1000);
    const ages = AGES.map((age) => peer(`last_handshake_time_sec=${now - age}`));
    const whole = COUNTS.map((count) => (typeof count === 'bigint' ? count : BigInt(Math.floor(count))));
    const counts = whole.map((count) => peer(`rx_bytes=${count}`, `tx_bytes=${count / 7n}`));
    const intervals = AGES.map((age) => peer(`persistent_keepalive_interval=${Math.min(age, 65_535)}`));
    await beside.serve('units', `${[...ages, ...counts, ...intervals].flat().join('\n')}\nerrno=0\n\n`);
    await beside.same(['show', 'units', 'dump']);
    await beside.same(['show', 'units', 'transfer']);
    const text = await sameNow(['show', 'units']);
    for (const unit of ['second', 'minutes', 'hour', 'days', 'year', 'B', 'KiB', 'MiB', 'GiB', 'TiB'])
      assert.match(text, new RegExp(`\\d ${unit}\\b`));
  });

  it('put the latest handshake first, and leave the order of equals as it is', async () => {
    const now = Math.floor(Date.now() / 1000);
    const times = [0, now - 100, 0, now, now - 100, now + 50, now - 100];
    const peers = times.map((time, i) =>
      peer(
        `allowed_ip=10.0.0.${i}/32`,
        `last_handshake_time_sec=${time}`,
        `last_handshake_time_nsec=${(i % 2) * 999_999_999}`,
      ),
    );
    await beside.serve('order', `${peers.flat().join('\n')}\nerrno=0\n\n`);
    const text = await sameNow(['show', 'order']);
    assert.deepEqual(
      [...text.matchAll(/10\.0\.0\.(\d)/g)].map(([, i]) => Number(i)),
      [5, 3, 1, 4, 6, 0, 2],
    );
  });

  it('name the interface of a link-local endpoint', async () => {
    await beside.serve('zones', `${peer('endpoint=[fe80::1%1]:1').join('\n')}\nerrno=0\n\n`);
    for (const args of [
      ['showconf', 'zones'],
      ['show', 'zones', 'endpoints'],
      ['show', 'zones', 'dump'],
      ['show', 'zones'],
    ])
      assert.match((await beside.same(args)).stdout, /\[fe80::1%lo\]:1/);
  });

  it('colour and hide as they are told', async () => {
    const secret = `private_key=${KEY}\n${peer(`preshared_key=${KEY}`).join('\n')}\nerrno=0\n\n`;
    await beside.serve('secret', secret);
    for (const mode of ['always', 'never', 'auto', 'nonsense'])
      for (const hide of ['always', 'never', 'nonsense']) {
        const { stdout } = await beside.same(['show', 'secret'], { env: { WG_COLOR_MODE: mode, WG_HIDE_KEYS: hide } });
        assert.equal(stdout.includes('\u001B['), mode === 'always');
        assert.equal(stdout.includes('(hidden)'), hide !== 'never');
      }
  });

  it('pass over what they do not know, and refuse what is malformed', async () => {
    const answers = {
      future: `protocol_level=9\nlisten_port=1\n${peer('mood=good').join('\n')}\nerrno=0\n\n`,
      refuses: 'errno=22\n\n',
      wrongport: 'listen_port=x\nerrno=0\n\n',
      wrongkey: 'private_key=00\nerrno=0\n\n',
      wrongip: `${peer('allowed_ip=10.0.0.0/33').join('\n')}\nerrno=0\n\n`,
    };
    for (const [name, answer] of Object.entries(answers)) {
      await beside.serve(name, answer);
      await beside.same(['show', name]);
      await beside.same(['show', name, 'nonsense']);
      await beside.same(['showconf', name]);
    }
  });

  it('show all that answer, and say which do not', async () => {
    await using few = await BesideWg.open();
    await few.serve('bad', 'errno=5\n\n');
    for (const field of [[], ['dump'], ['nonsense']])
      assert.equal((await few.same(['show', 'all', ...field])).exitCode, 1);
    // The folder has no order: with one tunnel that answers, theirs cannot differ in more than an empty line at the end.
    await few.serve('good', `listen_port=1\n${peer().join('\n')}\nerrno=0\n\n`);
    for (const field of Object.keys(SHOW_FIELDS)) assert.equal((await few.same(['show', 'all', field])).exitCode, 0);
  });

  it('show a hundred thousand prefixes', async () => {
    const prefixes = Array.from(
      { length: 130_560 },
      (_, i) => `allowed_ip=10.${i >> 16}.${(i >> 8) & 255}.${i & 255}/32`,
    );
    await beside.serve('many', `${peer().concat(prefixes).join('\n')}\nerrno=0\n\n`);
    for (const args of [
      ['show', 'many'],
      ['show', 'many', 'dump'],
      ['show', 'many', 'allowed-ips'],
      ['showconf', 'many'],
    ])
      assert.ok((await beside.same(args)).stdout.length > 130_560 * 12);
  });
});

let peers = 0;

function peer(...lines: string[]): string[] {
  peers += 1;
  return [`public_key=${peers.toString(16).padStart(64, 'c0')}`, ...lines];
}
