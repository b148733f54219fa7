#!/usr/bin/env -S deno run --no-prompt --allow-all
/** wg(8) on Deno, which would not find the modules through a link to main.ts. */
import { runMain } from '../linux/main.ts';
import { runtime } from './runtime.ts';

await runMain({ ...runtime, calledAs: ['wg'] });
