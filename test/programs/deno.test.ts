/** The whole command line on Deno, with the flags that docs/guide/deno.md gives each of its programs. */
import { resolve } from 'node:path';
import { FLAGS, registryFlags } from '../../runtime/deno/flags.ts';
import { commandLineConformance } from '../conformance/command-line.ts';

const ROOT = resolve(import.meta.dirname, '../..');
const DENO = resolve(ROOT, 'node_modules/.bin/deno');
const file = (name: string) => resolve(ROOT, `runtime/deno/${name}.ts`);

/** As the guide says, for a file of the PATH. */
const SCRIPTS: Readonly<Record<string, string>> = {
  peerage: file('main'),
  'wg-quick': file('wg-quick'),
  'peerage-tun': file('peerage-tun'),
  wg: [DENO, 'run', ...FLAGS.wg, file('wg')].join(' '),
};

commandLineConformance('Deno', {
  async install(host) {
    await host.output('ln', ['-sf', DENO, '/run/bin/deno']);
    for (const [name, command] of Object.entries(SCRIPTS)) {
      const input = `#!/bin/sh\nexec ${command} "$@"\n`;
      await host.output('sh', ['-c', `cat >/run/bin/${name}; chmod +x /run/bin/${name}`], { input });
    }
  },
  registry: [DENO, 'run', ...registryFlags('/var/lib/peerage', '203.0.113.1:8080'), file('main')],
  processes: { daemon: /\/runtime\/deno\/peerage-tun\.ts /, agent: /\/runtime\/deno\/main\.ts agent / },
});
