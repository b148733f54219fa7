/** The whole command line on Bun, from the checkout. */
import { resolve } from 'node:path';
import { commandLineConformance } from '../conformance/command-line.ts';

const ROOT = resolve(import.meta.dirname, '../..');

commandLineConformance('Bun', {
  async install(host) {
    await host.output('ln', ['-sf', resolve(ROOT, 'node_modules/.bin/bun'), '/run/bin/bun']);
    await host.output('ln', ['-sf', resolve(ROOT, 'runtime/bun/main.ts'), '/run/bin/peerage']);
    await host.output('peerage', ['install-links', '/run/bin', '--force']);
  },
  processes: { daemon: /\/runtime\/bun\/peerage-tun\.ts /, agent: /\/runtime\/bun\/main\.ts agent / },
});
