/** The dependency rules hold only if the linter refuses what breaks them: plant an import against each and see. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');
let checkout: string;

before(() => {
  checkout = mkdtempSync(path.join(tmpdir(), 'peerage-lint-'));
  cpSync(path.join(root, 'oxlint.config.ts'), path.join(checkout, 'oxlint.config.ts'));
  symlinkSync(path.join(root, 'node_modules'), path.join(checkout, 'node_modules'));
});

after(() => rmSync(checkout, { recursive: true }));

/** What the linter says of one file with this text, as the rule names it gives. */
function lint(file: string, text: string): string[] {
  const target = path.join(checkout, file);
  mkdirSync(path.dirname(target), { recursive: true });
  writeFileSync(target, text);
  const oxlint = path.join(root, 'node_modules/.bin/oxlint');
  const { stdout } = spawnSync(oxlint, ['--format', 'json', file], { cwd: checkout, encoding: 'utf8' });
  rmSync(target);
  const report = JSON.parse(stdout) as { diagnostics: { code: string }[] };
  return report.diagnostics.map(({ code }) => code);
}

const imports = (specifier: string) => `import { x } from '${specifier}';\nexport const y = x;\n`;

const REFUSED: [file: string, specifier: string][] = [
  ['src/bytes.ts', '../test/lint/layers.test.ts'],
  ['src/crypto/noble.ts', '../noise/kdf.ts'],
  ['src/noise/handshake.ts', '../peer/peer.ts'],
  ['src/noise/handshake.ts', '../crypto/noble.ts'],
  ['src/transport/keypair.ts', '../noise/handshake.ts'],
  ['src/peer/peer.ts', '../device/device.ts'],
  ['src/device/device.ts', '../tunnel/tunnel.ts'],
  ['src/tunnel/tunnel.ts', '../noise/handshake.ts'],
  ['src/tunnel/tunnel.ts', '../../runtime/linux/tun.ts'],
  ['src/plane/control-plane.ts', '../offload/split.ts'],
  ['src/uapi/parse.ts', '../config/parse.ts'],
  ['src/config/parse.ts', '../device/device.ts'],
  ['src/network/design.ts', '../registry/app.ts'],
  ['src/registry/route/enroll.ts', '../store/d1-store.ts'],
  ['src/registry/route/enroll.ts', 'drizzle-orm'],
  ['src/registry/service/enrol.ts', '../store/d1-store.ts'],
  ['src/registry/service/enrol.ts', 'hono'],
  ['src/registry/store/d1-store.ts', '../service/enrol.ts'],
  ['src/agent/watch.ts', '../registry/app.ts'],
  ['src/library/peerage.ts', '../cli/program.ts'],
  ['src/cli/up.ts', '../../runtime/linux/tun.ts'],
  ['src/cli/up.ts', 'hono'],
  ['src/noise/handshake.ts', 'node:crypto'],
  ['src/cli/up.ts', 'node:fs'],
  ['src/device/device.ts', 'bun:ffi'],
];

for (const [file, specifier] of REFUSED)
  test(`${file} may not import ${specifier}`, () => {
    assert.deepEqual(lint(file, imports(specifier)), ['eslint(no-restricted-imports)']);
  });

const ACCEPTED: [file: string, specifier: string][] = [
  ['src/noise/handshake.ts', '../bytes.ts'],
  ['src/noise/handshake.ts', '../crypto/port.ts'],
  ['src/device/device.ts', '../peer/peer.ts'],
  ['src/registry/service/enrol.ts', '../store/port.ts'],
  ['src/registry/service/enrol.ts', '../../network/design.ts'],
  ['src/registry/store/schema.ts', 'drizzle-orm/sqlite-core'],
  ['src/cli/up.ts', '../uapi/parse.ts'],
];

for (const [file, specifier] of ACCEPTED)
  test(`${file} may import ${specifier}`, () => {
    assert.deepEqual(lint(file, imports(specifier)), []);
  });

for (const file of ['src/noise/handshake.ts', 'src/agent/watch.ts', 'src/tunnel/tunnel.ts', 'src/keys.ts'])
  test(`${file} may not take randomness from the runtime`, () => {
    const text = 'export const z = crypto.getRandomValues(new Uint8Array(1));\n';
    assert.deepEqual(lint(file, text), ['eslint(no-restricted-globals)']);
  });

test('protocol code may not ask for the time, a timer or randomness', () => {
  const text = 'setTimeout(() => {}, 1);\nexport const z = [Date.now(), Math.random()];\n';
  assert.deepEqual(lint('src/peer/timers.ts', text).sort(), [
    'eslint(no-restricted-globals)',
    'eslint(no-restricted-properties)',
    'eslint(no-restricted-properties)',
  ]);
});
