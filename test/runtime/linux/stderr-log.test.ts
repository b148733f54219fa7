import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { describe, it } from 'node:test';

const LOG = new URL('../../../runtime/linux/stderr-log.ts', import.meta.url).href;
const PROGRAM = `
  import { createStderrLog } from ${JSON.stringify(LOG)};
  const log = createStderrLog('wg0', process.env.LEVEL);
  for (const level of ['debug', 'info', 'warn', 'error']) log[level]({}, 'said');
`;

function levelsOf(level: string | undefined): string[] {
  const env = { ...process.env, ...(level !== undefined && { LEVEL: level }) };
  const { stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', PROGRAM], { env, encoding: 'utf8' });
  return [...stderr.matchAll(/ (\w+) \(wg0\) said/g)].map(([, name]) => name ?? '');
}

describe('the log on stderr', () => {
  it('says what LOG_LEVEL asks for, and errors when that names no level', () => {
    for (const [level, said] of [
      ['silent', []],
      ['error', ['ERROR']],
      ['warn', ['WARN', 'ERROR']],
      ['info', ['INFO', 'WARN', 'ERROR']],
      ['verbose', ['DEBUG', 'INFO', 'WARN', 'ERROR']],
      ['debug', ['DEBUG', 'INFO', 'WARN', 'ERROR']],
      ['constructor', ['ERROR']],
      [undefined, ['ERROR']],
    ] as const)
      assert.deepEqual(levelsOf(level), said, level);
  });
});
