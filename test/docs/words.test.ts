/** Codes and variables: what the guide names is in the source, and the other way round. */
import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { INTERFACE_FIELDS, PEER_FIELDS } from '../../src/config/fields.ts';
import { readDocuments, readGuide, ROOT, tableRows } from './markdown.ts';

const VARIABLE = /\b(?:(?:PEERAGE|WG|XDG)_[A-Z_]+[A-Z]|LOG_LEVEL|NO_COLOR)\b/g;

/** Between `peerage-tun` and the process that starts it; nobody sets it. */
const INTERNAL = new Set(['PEERAGE_READY_FD']);

function read(file: string): string {
  return readFileSync(join(ROOT, file), 'utf8');
}

function variablesIn(text: string): Set<string> {
  return new Set(text.match(VARIABLE));
}

function firstCells(rows: readonly string[][]): string[] {
  return rows.flatMap(([cell = '']) => cell.match(/[^`\s]+/g) ?? []);
}

describe('the guide', () => {
  it('explains every code of `peerage check`, and no other', () => {
    const [, union = ''] = /export type FindingCode =([^;]*);/.exec(read('src/config/finding.ts')) ?? [];
    const codes = [...union.matchAll(/'([a-z-]+)'/g)].map((match) => match[1]!);
    assert.ok(codes.length > 15, `only ${codes.length} were found in the source`);
    assert.deepEqual(firstCells(tableRows(readGuide('files'), 'code', 'means')).sort(), codes.sort());
  });

  it('lists the keys of a configuration that are read', () => {
    const guide = readGuide('files');
    const names = (fields: readonly { name: string }[]): string[] => fields.map(({ name }) => name).sort();
    assert.deepEqual(firstCells(tableRows(guide, 'key of `[Interface]`', 'value')).sort(), names(INTERFACE_FIELDS));
    assert.deepEqual(firstCells(tableRows(guide, 'key of `[Peer]`', 'value')).sort(), names(PEER_FIELDS));
  });

  it('names environment variables that the source knows, and all of our own', () => {
    const source = globSync('{src,runtime}/**/*.ts', { cwd: ROOT }).map(read).join('\n');
    const guide = readDocuments()
      .filter(({ file }) => file === 'README.md' || file.startsWith('docs/guide/'))
      .map(({ text }) => text)
      .join('\n');
    const [known, documented] = [variablesIn(source), variablesIn(guide)];
    assert.ok(known.has('PEERAGE_NAME') && documented.has('WG_TUN_FD'));
    assert.deepEqual(
      [...documented].filter((name) => !known.has(name)),
      [],
      'in the guide only',
    );
    const own = [...known].filter((name) => name.startsWith('PEERAGE_') && !INTERNAL.has(name));
    assert.deepEqual(
      own.filter((name) => !documented.has(name)),
      [],
      'in the source only',
    );
  });
});
