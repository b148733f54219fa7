/** What Cloudflare runs: wrangler.toml names this file. */
import { createHandler } from './registry.ts';

export default createHandler(); // a Worker's handlers are its default export
