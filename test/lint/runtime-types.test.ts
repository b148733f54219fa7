/** The types of a runtime are visible in its own folder only: plant a use of each in each folder, and see what the compiler says. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';

const root = path.resolve(import.meta.dirname, '../..');
const USES = {
  node: "import process from 'node:process';\nexport const x: string = process.version;\n",
  bun: "import { ptr } from 'bun:ffi';\nexport const x: number = ptr(new Uint8Array(1));\nexport const y: string = Bun.version;\n",
  deno: 'export const x: string = Deno.version.deno;\n',
};
/** Bun's types bring Node's along, and Deno has those of `node:` modules: both speak them. */
const SEEN: Readonly<Record<string, readonly string[]>> = {
  src: [],
  'runtime/linux': ['node'],
  'runtime/node': ['node'],
  'runtime/bun': ['node', 'bun'],
  'runtime/deno': ['node', 'deno'],
};
let checkout: string;

before(() => {
  checkout = mkdtempSync(path.join(tmpdir(), 'peerage-types-'));
  cpSync(path.join(root, 'tsconfig.base.json'), path.join(checkout, 'tsconfig.base.json'));
  symlinkSync(path.join(root, 'node_modules'), path.join(checkout, 'node_modules'));
  writeFileSync(path.join(checkout, 'package.json'), '{ "type": "module" }');
});

after(() => rmSync(checkout, { recursive: true }));

for (const [folder, expected] of Object.entries(SEEN))
  test(`${folder} sees the types of ${expected.join(' and ') || 'no runtime'}`, () => {
    const seen = Object.entries(USES).filter(([name, text]) => isAccepted(folder, `${name}-use.ts`, text));
    assert.deepEqual(
      seen.map(([name]) => name),
      expected,
    );
  });

/** Whether a file of this text compiles in the folder, under the folder's own options. */
function isAccepted(folder: string, name: string, text: string): boolean {
  const there = path.join(checkout, folder);
  mkdirSync(there, { recursive: true });
  writeFileSync(path.join(there, name), text);
  // The options without the references, which are to the rest of the checkout.
  const { references: _, ...options } = JSON.parse(readFileSync(path.join(root, folder, 'tsconfig.json'), 'utf8')) as {
    references?: unknown;
  };
  writeFileSync(path.join(there, 'tsconfig.json'), JSON.stringify({ ...options, include: [name] }));
  const { status, stdout, error } = spawnSync(path.join(root, 'node_modules/.bin/tsc'), ['-p', there], {
    encoding: 'utf8',
  });
  assert.ifError(error);
  assert.match(stdout, status === 0 ? /^$/ : /Cannot find (name|module)/, stdout);
  return status === 0;
}
