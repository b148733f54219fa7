#!/usr/bin/env node
/** `peerage-tun` on Node. */
import { runPeerageTun } from '../linux/peerage-tun.ts';
import { runtime } from './runtime.ts';

await runPeerageTun(runtime);
