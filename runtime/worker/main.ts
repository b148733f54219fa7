/** What Cloudflare runs: wrangler.toml names this file. */
import { createHandler } from './registry.ts';

// The class that wrangler.toml binds as BELL.
export { NetworkBell } from './network-bell.ts';

export default createHandler(); // a Worker's handlers are its default export
