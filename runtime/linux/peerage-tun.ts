/** `peerage-tun`: the tunnel daemon with the command line of wireguard-go, so that wg-quick can start it. */
import process from 'node:process';
import { parseArgs } from 'node:util';
import { VERSION } from '../../src/cli/version.ts';
import { UserError } from '../../src/errors.ts';
import type { Runtime } from './runtime.ts';
import { runTunnel } from './tunnel-process.ts';

const USAGE = `usage: peerage-tun [-f|--foreground] [--crypto NAME] [--threads N] [--debug] INTERFACE

  -f, --foreground  stay in this terminal
      --crypto      use this crypto provider
      --threads     threads that carry packets, half of them each way; 0: one thread does
                    everything; PEERAGE_THREADS says the same
      --debug       write the keys of each handshake to the file PEERAGE_KEYLOG, for tshark
      --version     print the version

LOG_LEVEL=verbose|info|error|silent, WG_TUN_FD, WG_UAPI_FD and WG_PROCESS_FOREGROUND=1 are honoured.
`;

/** Runs what the command line says, and sets the exit code. */
export async function runPeerageTun(runtime: Runtime, args = process.argv.slice(2)): Promise<void> {
  process.exitCode = await run(runtime, args);
}

async function run(runtime: Runtime, args: string[]): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    if (values.version) {
      process.stdout.write(`peerage-tun ${VERSION}\n`);
      return 0;
    }
    const [name, ...more] = positionals;
    if (values.help || name === undefined || more.length > 0) {
      process[values.help ? 'stdout' : 'stderr'].write(USAGE);
      return values.help ? 0 : 2;
    }
    return await runTunnel(runtime, name, values);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    process.stderr.write(`peerage-tun: ${error.message.replace(/^peerage-tun: /, '')}\n`);
    if (error.remedy !== undefined) process.stderr.write(`  ${error.remedy}\n`);
    return error.exitCode;
  }
}

function parse(args: string[]) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        foreground: { type: 'boolean', short: 'f', default: false },
        crypto: { type: 'string' },
        threads: { type: 'string' },
        debug: { type: 'boolean', default: false },
        version: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UserError(error instanceof Error ? error.message : String(error), { exitCode: 2, remedy: USAGE });
  }
}
