#!/usr/bin/env bun
/** `peerage-tun` on Bun. */
import { runPeerageTun } from '../linux/peerage-tun.ts';
import { runtime } from './runtime.ts';

await runPeerageTun(runtime);
