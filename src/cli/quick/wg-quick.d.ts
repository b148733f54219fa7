import type { Ports } from '../ports.ts';
/**
 * Runs a command line (without the program's own name). Resolves to the exit code, which is that of the program or the hook that
 * failed. `link`: how this program is started under this name.
 */
export declare function runWgQuick(args: readonly string[], ports: Ports, link: readonly [program: string, ...args: string[]]): Promise<number>;
