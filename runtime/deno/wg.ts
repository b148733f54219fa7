#!/usr/bin/env -S deno run --no-prompt --allow-all --unstable-no-legacy-abort
/** wg(8) on Deno: main.ts under the name of this file, since through a link Deno would not find the modules. */
import './main.ts';
