/**
 * The Files port over node:fs.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, open, readFile, readdir, readlink, realpath, rename, rm, stat, symlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Files } from '../../src/cli/ports.ts';
import { errorCode, systemError } from './system-error.ts';
import { readStdin } from './terminal.ts';

export const files: Files = {
  async read(path) {
    // Opening it by name fails when standard input is a socket, as it is for a child of another Node process.
    if (path === '/dev/stdin') return readStdin();
    return unlessMissing(`cannot read ${path}`, () => readFile(path, 'utf8'));
  },

  async write(path, content, { mode }) {
    try {
      // A file for everybody is of no use in a folder for its owner; one with a secret needs such a folder.
      await mkdir(dirname(path), { recursive: true, mode: (mode & 0o004) === 0 ? 0o700 : 0o755 });
      // Renaming over a link would leave its target behind as it was.
      await replaceFile(await realPath(path), content, mode);
    } catch (error) {
      throw systemError(`cannot write ${path}`, error);
    }
  },

  realPath,

  async remove(path) {
    try {
      await rm(path, { force: true });
    } catch (error) {
      throw systemError(`cannot remove ${path}`, error);
    }
  },

  async list(folder) {
    return ((await unlessMissing(`cannot list ${folder}`, () => readdir(folder))) ?? []).sort();
  },

  async linkTarget(path) {
    try {
      return await readlink(path);
    } catch (error) {
      if (errorCode(error) === 'EINVAL') return ''; // no link
      if (errorCode(error) === 'ENOENT') return undefined;
      throw systemError(`cannot look at ${path}`, error);
    }
  },

  async link(path, target) {
    const beside = `${path}.${randomUUID()}.new`;
    try {
      await mkdir(dirname(path), { recursive: true });
      await symlink(target, beside);
      await rename(beside, path);
    } catch (error) {
      await rm(beside, { force: true });
      throw systemError(`cannot make the link ${path}`, error);
    }
  },

  async mode(path) {
    const status = await unlessMissing(`cannot look at ${path}`, () => stat(path));
    return status && status.mode & 0o7777;
  },
};

/** A reader sees the old file or the new one, also after a crash; nobody else ever opens it with a wider mode. */
async function replaceFile(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const beside = `${path}.${randomUUID()}.new`;
  try {
    const file = await open(beside, 'wx', 0o600);
    try {
      await file.writeFile(content);
      await file.chmod(mode);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(beside, path);
  } catch (error) {
    await rm(beside, { force: true });
    throw error;
  }
}

async function realPath(path: string): Promise<string> {
  return (await unlessMissing(`cannot look at ${path}`, () => realpath(path))) ?? path;
}

async function unlessMissing<T>(what: string, action: () => Promise<T>): Promise<T | undefined> {
  try {
    return await action();
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw systemError(what, error);
  }
}
