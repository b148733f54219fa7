/** The npm package as its users get it: built, packed, and installed into an empty project. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import process from 'node:process';
import { promisify } from 'node:util';
import { buildPackage } from '../../runtime/node/build-package.ts';

export interface InstalledPackage {
  /** As the build left it. */
  readonly built: string;
  /** The project that it is installed in. */
  readonly project: string;
  /** What the package holds, as paths inside of it. */
  readonly files: readonly string[];
  /** Runs a program inside of the project. Rejects, with what it printed, when it fails. */
  run(program: string, ...args: string[]): Promise<{ stdout: string; stderr: string }>;
  remove(): Promise<void>;
}

export async function installPackage(): Promise<InstalledPackage> {
  const folder = await mkdtemp(join(tmpdir(), 'peerage-package-'));
  const built = join(folder, 'built');
  const project = join(folder, 'project');
  // The runtime of this test before the system's: npm and npx start what is first in PATH.
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env['PATH']}` };
  const run: InstalledPackage['run'] = (program, ...args) =>
    promisify(execFile)(program, args, { cwd: project, env, maxBuffer: 16 << 20 });

  await mkdir(project);
  await writeFile(join(project, 'package.json'), '{ "name": "consumer", "private": true, "type": "module" }\n');
  buildPackage(built);
  const packed = await run('npm', 'pack', '--json', '--pack-destination', folder, built);
  // As npm prints it: one package was asked for.
  const [{ filename, files }] = JSON.parse(packed.stdout) as [{ filename: string; files: { path: string }[] }];
  await run('npm', 'install', '--prefer-offline', '--no-audit', '--no-fund', join(folder, filename));
  return {
    built,
    project,
    files: files.map(({ path }) => path),
    run,
    remove: () => rm(folder, { recursive: true }),
  };
}
