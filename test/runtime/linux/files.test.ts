import assert from 'node:assert/strict';
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { UserError } from '../../../src/errors.ts';
import { files } from '../../../runtime/linux/files.ts';

const folder = mkdtempSync(join(tmpdir(), 'peerage-files-'));
after(() => rmSync(folder, { recursive: true }));
const at = (...names: string[]): string => join(folder, ...names);

const isUserError = (message: RegExp) => (error: unknown) => error instanceof UserError && message.test(error.message);

describe('files', () => {
  it('writes what it reads back, with exactly the mode that was asked for', async () => {
    const umask = process.umask(0);
    try {
      await files.write(at('secret'), 'key\n', { mode: 0o600 });
    } finally {
      process.umask(umask);
    }
    await files.write(at('shared'), 'text', { mode: 0o666 });
    assert.equal(await files.read(at('secret')), 'key\n');
    assert.deepEqual([await files.mode(at('secret')), await files.mode(at('shared'))], [0o600, 0o666]);
  });

  it('makes the folders that are missing, for the owner only when the file is', async () => {
    await files.write(at('new', 'deeper', 'file'), '', { mode: 0o600 });
    for (const made of [at('new'), at('new', 'deeper')]) assert.equal(statSync(made).mode & 0o077, 0);
    await files.write(at('pkg', 'etc', 'unit'), '', { mode: 0o644 });
    for (const made of [at('pkg'), at('pkg', 'etc')]) assert.equal(await files.mode(made), 0o755 & ~process.umask());
  });

  it('replaces a file without touching the one that others have open', async () => {
    mkdirSync(at('replaced'));
    writeFileSync(at('replaced', 'file'), 'old', { mode: 0o644 });
    const before = statSync(at('replaced', 'file')).ino;
    await files.write(at('replaced', 'file'), 'new', { mode: 0o600 });
    assert.notEqual(statSync(at('replaced', 'file')).ino, before);
    assert.equal(await files.mode(at('replaced', 'file')), 0o600);
    assert.deepEqual(readdirSync(at('replaced')), ['file']);
  });

  it('writes through a link instead of replacing it', async () => {
    writeFileSync(at('target'), 'old');
    symlinkSync('target', at('link'));
    await files.write(at('link'), 'new', { mode: 0o600 });
    assert.ok(lstatSync(at('link')).isSymbolicLink());
    assert.equal(readFileSync(at('target'), 'utf8'), 'new');
  });

  it('leaves nothing behind when it fails, and names the file', async () => {
    mkdirSync(at('failed', 'folder'), { recursive: true });
    await assert.rejects(
      files.write(at('failed', 'folder'), 'x', { mode: 0o600 }),
      isUserError(/^cannot write .*failed\/folder: is a folder$/),
    );
    assert.deepEqual(readdirSync(at('failed')), ['folder']);
  });

  it('knows what is not there', async () => {
    assert.equal(await files.read(at('nothing')), undefined);
    assert.equal(await files.mode(at('nothing')), undefined);
    assert.deepEqual(await files.list(at('nothing')), []);
    assert.equal(await files.read(at('target', 'below-a-file')), undefined);
    await files.remove(at('nothing'));
  });

  it('lists names in order and removes files', async () => {
    for (const name of ['b', 'a']) await files.write(at('listed', name), '', { mode: 0o600 });
    assert.deepEqual(await files.list(at('listed')), ['a', 'b']);
    await files.remove(at('listed', 'a'));
    assert.deepEqual(await files.list(at('listed')), ['b']);
  });

  it('says why it cannot read', async () => {
    await assert.rejects(files.read(folder), isUserError(/^cannot read .*: is a folder$/));
  });
});
