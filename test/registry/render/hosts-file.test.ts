/** The names as hosts(5) has them, looked up by the C library. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { renderConfig } from '../../../src/registry/render/formats.ts';
import { inNamespace } from '../../conformance/in-namespace.ts';
import { CONFIG, OPTIONS } from './some-config.ts';

inNamespace(import.meta.url, ['getent'], () => {
  test('the C library finds each host by its name in full, and its name by each address', () => {
    writeFileSync('/run/hosts', renderConfig('hosts', CONFIG, OPTIONS));
    execFileSync('mount', ['--bind', '/run/hosts', '/etc/hosts']);
    const found = look('ahosts', 'charlotte-2.vpn.example.net').flatMap(([address]) => address ?? []);
    assert.deepEqual([...new Set(found)].toSorted(), ['10.1.2.5', 'fd00:1:2:3::5']);
    assert.deepEqual(look('hosts', '10.1.2.3'), [['10.1.2.3', 'dolores.vpn.example.net']]);
    assert.deepEqual(look('hosts', 'fd00:1:2:3::4'), [['fd00:1:2:3::4', 'maeve.vpn.example.net']]);
    // No short names: whoever enrols would choose what else they mean.
    assert.throws(() => look('hosts', 'maeve'), { status: 2 });
  });
});

/** The lines that getent(1) prints, in words. */
function look(database: string, name: string): string[][] {
  const text = execFileSync('getent', ['--service', 'hosts:files', database, name], { encoding: 'utf8' });
  return text
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
}
