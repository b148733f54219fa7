#!/usr/bin/env node
/** `peerage`, wg(8) and wg-quick(8) on Node. */
import { runMain } from '../linux/main.ts';
import { runtime } from './runtime.ts';

await runMain(runtime);
