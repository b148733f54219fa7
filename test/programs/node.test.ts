/** The whole command line on Node, from the checkout. */
import { resolve } from 'node:path';
import { commandLineConformance } from '../conformance/command-line.ts';

const BIN = resolve(import.meta.dirname, '../../runtime/node/bin');

commandLineConformance('Node', {
  async install(host) {
    await host.output('ln', ['-sf', process.execPath, '/run/bin/node']);
    await host.output('ln', ['-sf', `${BIN}/peerage.js`, '/run/bin/peerage']);
    await host.output('peerage', ['install-links', '/run/bin', '--force']);
  },
  processes: { daemon: /\/runtime\/node\/peerage-tun\.ts /, agent: /\/runtime\/node\/main\.ts agent / },
});
