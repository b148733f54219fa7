/** The whole command line with nothing but the single binary, which also starts its tunnels and agents from itself. */
import { builtBinary } from '../build/binary.ts';
import { commandLineConformance } from '../conformance/command-line.ts';

const binary = builtBinary();

commandLineConformance('the binary', {
  async install(host) {
    await host.output('ln', ['-sf', binary, '/run/bin/peerage']);
    await host.output(binary, ['install-links', '/run/bin', '--force']);
  },
  processes: { daemon: new RegExp(`^${binary} peerage-tun `), agent: new RegExp(`^${binary} agent `) },
});
