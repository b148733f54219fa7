/** What a file of a command exports. */
import type { Command } from 'commander';
import type { Ports } from './ports.ts';

/** Adds one command (or a group of them) to the program. An action returns nothing and throws a UserError to fail. */
export type AddCommand = (program: Command, ports: Ports) => void;
