import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import process from 'node:process';
import { after, before, describe, it } from 'node:test';
import { publint } from 'publint';
import { DOCS_FILES } from '../../src/registry/render/docs-page.ts';
import { labOptions, USER_NAMESPACE } from '../interop/lab/requirements.ts';
import { relativeLinks } from '../docs/markdown.ts';
import { installPackage, type InstalledPackage } from './package.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  version: string;
  engines: { node: string };
  exports: Record<string, string>;
};
const BIN = join(ROOT, 'node_modules/.bin');
const TSC = join(BIN, 'tsc');
const RUNTIMES: Readonly<Record<string, Command>> = {
  node: [process.execPath],
  bun: [join(BIN, 'bun')],
  deno: [join(BIN, 'deno'), 'run', '--allow-all'],
};

/** Without the types of Node, and with those of everything that ours refer to. */
const TYPESCRIPT_PROJECT = {
  compilerOptions: {
    module: 'nodenext',
    target: 'es2024',
    lib: ['es2024', 'dom'],
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    skipLibCheck: false,
    noEmit: true,
  },
  files: ['consumer.ts'],
};

const CONSUMER = `
  import { createTunnel, generateKeyPair, MemoryTun, type PeerChange, type PublicKey } from 'peerage';
  import { createDgramUdp, openDatabase, openPorts } from 'peerage/node';
  import { openPorts as openOnBun } from 'peerage/bun';
  import { openPorts as openOnDeno } from 'peerage/deno';
  import { createRegistry } from 'peerage/registry';

  const publicKey: PublicKey = generateKeyPair().publicKey;
  const peer: PeerChange = { publicKey };
  createTunnel({ tun: new MemoryTun(), udp: createDgramUdp() }).configure({ peers: [peer] });
  const name: string = (await openPorts()).createTun('wg0').name + (await openOnBun()).createUdp().port;
  (await openOnDeno()).createUdp();
  const registry = await createRegistry({ database: await openDatabase(name), peerAddress: () => '' });
  export const answer: Response = await registry.app.request('/');
`;

/** A tunnel over a socket of the system, and a registry in a file. */
const onRuntime = (name: string) => `
  import { createTunnel, generateKeyPair, MemoryTun } from 'peerage';
  import { createRegistry } from 'peerage/registry';
  import { openDatabase, openPorts } from 'peerage/${name}';

  const ports = await openPorts();
  const tun = new MemoryTun();
  const tunnel = createTunnel({ ...ports.parts, tun, udp: ports.createUdp() });
  tunnel.configure(generateKeyPair());
  tun.setLink('up');
  const { listenPort } = tunnel.describe();
  await tunnel.close();
  await ports.close();

  const database = await openDatabase('${name}.db');
  const registry = await createRegistry({ database, peerAddress: () => '' });
  const adminKey = await registry.issueFirstAdminKey();
  registry.close();
  database.close();
  console.log(listenPort > 0, adminKey.slice(0, 4));
`;

describe('the npm package', () => {
  let installed: InstalledPackage;
  before(async () => {
    installed = await installPackage();
  });
  after(() => installed.remove());

  it('passes publint', async () => {
    const { messages } = await publint({ pkgDir: installed.built, strict: true });
    assert.deepEqual(messages, []);
  });

  it('holds programs, types and documents, and nothing of the checkout', () => {
    const { files } = installed;
    for (const file of ['LICENSE', 'README.md', 'src/library/peerage.js', 'src/library/peerage.d.ts'])
      assert.ok(files.includes(file), file);
    const odd = files.filter((file) => !/\.(?:js|d\.ts|md)$|^LICENSE$|^package\.json$|^runtime\/docs\//.test(file));
    assert.deepEqual(odd, [], 'no sources, maps and others');
    assert.deepEqual(
      files.filter((file) => /^(?:test|examples|bench|node_modules)\/|\.test\./.test(file)),
      [],
    );
    for (const file of files)
      assert.ok(!readFileSync(join(installed.built, file), 'utf8').includes(ROOT), `${file} names this machine`);
  });

  it('brings the guide, and its documents lead to nothing that is not there', () => {
    const { files, built } = installed;
    const documents = files.filter((file) => file.endsWith('.md'));
    for (const file of ['docs/guide/registry.md', 'docs/guide/tunnel.md', 'docs/performance.md'])
      assert.ok(documents.includes(file), file);
    let links = 0;
    for (const file of documents)
      for (const { text } of relativeLinks({ file, text: readFileSync(join(built, file), 'utf8') })) {
        const [path = ''] = text.split('#');
        assert.ok(path === '' || existsSync(join(built, dirname(file), path)), `${file} leads to ${text}`);
        links += 1;
      }
    assert.ok(links > 20);
    // Words of a link that leads nowhere in the package, and code that only looks like one, stay.
    assert.match(readFileSync(join(built, 'README.md'), 'utf8'), /\| CONTRIBUTING\.md \|/);
  });

  it('has the entries of ours', () => {
    const names = ['.', ...Object.keys(RUNTIMES).map((name) => `./${name}`), './registry', './package.json'];
    assert.deepEqual(Object.keys(manifest.exports).sort(), names.sort());
    for (const name of ['bun', 'deno'])
      assert.ok(!installed.files.includes(`runtime/${name}/fast-worker.js`), 'the daemon is that of Node');
  });

  for (const [name, [program, ...options]] of Object.entries(RUNTIMES))
    it(`runs a tunnel and a registry in a program on ${name}`, async () => {
      await writeFile(join(installed.project, `${name}.js`), onRuntime(name));
      assert.deepEqual(await installed.run(program, ...options, `${name}.js`), { stdout: 'true pga_\n', stderr: '' });
    });

  it('makes a device in JavaScript', async () => {
    const program = `import { createDevice } from 'peerage';\nconsole.log(createDevice().describe().peers);\n`;
    await writeFile(join(installed.project, 'device.js'), program);
    assert.equal((await installed.run(process.execPath, 'device.js')).stdout, '[]\n');
  });

  it('has types that a strict project can use', async () => {
    await writeFile(join(installed.project, 'tsconfig.json'), JSON.stringify(TYPESCRIPT_PROJECT));
    await writeFile(join(installed.project, 'consumer.ts'), CONSUMER);
    const { stdout } = await installed.run(TSC, '--project', '.');
    assert.equal(stdout, '');
    await writeFile(join(installed.project, 'consumer.ts'), `${CONSUMER}\n  peer.publicKey = new Uint8Array(32);\n`);
    await assert.rejects(installed.run(TSC, '--project', '.'), 'a key that nobody has checked is no key');
  });

  it('is used as the guide says', async () => {
    const guide = readFileSync(join(ROOT, 'docs/guide/library.md'), 'utf8');
    const blocks = [...guide.matchAll(/^```ts\n(.*?)^```/gms)].map(([, code = '']) => code);
    assert.ok(blocks.length >= 4);
    const files = blocks.map((_, i) => `guide-${i}.ts`);
    await Promise.all(blocks.map((code, i) => writeFile(join(installed.project, files[i]!), code)));
    const { compilerOptions } = TYPESCRIPT_PROJECT;
    const node = { types: ['node'], typeRoots: [join(ROOT, 'node_modules/@types')] };
    const project = { compilerOptions: { ...compilerOptions, ...node, skipLibCheck: true }, files };
    await writeFile(join(installed.project, 'tsconfig.json'), JSON.stringify(project));
    assert.equal((await installed.run(TSC, '--project', '.')).stdout, '');
    // The one that needs nothing of the system.
    const device = files[blocks.findIndex((code) => code.includes('createDevice()'))]!;
    assert.match((await installed.run(process.execPath, device)).stdout, /^bad-inner-packet\nunknown-type\n/);
  });

  it('brings the pages of the registry, with their licences', async () => {
    for (const name of ['LICENSE', 'NOTICE', 'swagger-ui-bundle.js.LICENSE.txt'])
      assert.ok(installed.files.includes(`runtime/docs/${name}`), name);
    const program = `
      import { runtime } from './node_modules/peerage/runtime/node/runtime.js';
      for (const name of ${JSON.stringify(Object.keys(DOCS_FILES))}) console.log((await runtime.readDocsFile(name)).length > 100_000);
    `;
    await writeFile(join(installed.project, 'docs.js'), program);
    assert.equal((await installed.run(process.execPath, 'docs.js')).stdout, 'true\ntrue\n');
  });

  it('brings the commands', async () => {
    const npx = (...args: string[]) => installed.run('npx', '--no-install', ...args);
    assert.equal((await npx('peerage', '--version')).stdout, `${manifest.version}\n`);
    assert.equal((await npx('peerage-tun', '--version')).stdout, `peerage-tun ${manifest.version}\n`);
    assert.match((await npx('peerage', 'genkey')).stdout, /^[\w+/]{43}=\n$/);
  });

  it('runs a tunnel in the background', labOptions('wg'), async () => {
    const bin = join(installed.project, 'node_modules/.bin');
    const script = `set -e
      mount -t tmpfs tmpfs /run
      mkdir /run/wireguard
      '${bin}/peerage-tun' wg0
      wg set wg0 listen-port 51820
      ip link set wg0 up
      wg show wg0 listen-port
      ip link delete wg0`;
    const namespaces = [...USER_NAMESPACE, '--net', '--mount', '--pid', '--fork', '--kill-child', '--mount-proc'];
    assert.equal((await installed.run('unshare', ...namespaces, 'sh', '-c', script)).stdout, '51820\n');
  });

  it('says which Node it needs when it is started by an older one', async () => {
    const needed = manifest.engines.node.replace('>=', '');
    const program = join(installed.project, 'node_modules/.bin/peerage-tun');
    for (const [node, ...options] of [pretend('22.17.9'), pretend('20.20.2'), ...olderNodes(needed)])
      await assert.rejects(installed.run(node, ...options, program, 'wg0'), (error: Error & { stderr?: string }) => {
        assert.match(
          error.stderr ?? '',
          new RegExp(`^peerage-tun: .* is Node [\\d.]+, and ${needed} or newer is needed\\.`),
        );
        assert.ok(error.stderr?.includes(`exec /path/to/node ${program} "$@"`));
        return true;
      });
    const [node, ...options] = pretend(`${needed}.0`);
    assert.equal(
      (await installed.run(node, ...options, program, '--version')).stdout,
      `peerage-tun ${manifest.version}\n`,
    );
  });
});

type Command = readonly [program: string, ...options: string[]];

/** This Node, taking itself for another. */
function pretend(version: string): Command {
  const versions = `Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '${version}' } })`;
  return [process.execPath, '--import', `data:text/javascript,${encodeURIComponent(versions)}`];
}

/** Of the system, where it is too old: it has to understand the file that says so. */
function olderNodes(needed: string): Command[] {
  const candidates = ['/usr/bin/node', '/usr/local/bin/node'];
  return candidates.flatMap((program): Command[] => {
    try {
      const version = execFileSync(program, ['--version'], { encoding: 'utf8', stdio: 'pipe' }).trim().slice(1);
      return version.localeCompare(needed, 'en', { numeric: true }) < 0 ? [[program]] : [];
    } catch {
      return []; // not there
    }
  });
}
