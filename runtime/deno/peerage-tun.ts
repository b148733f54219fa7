#!/usr/bin/env -S deno run --no-prompt --allow-all
/** `peerage-tun` on Deno. */
import { runPeerageTun } from '../linux/peerage-tun.ts';
import { runtime } from './runtime.ts';

await runPeerageTun(runtime);
