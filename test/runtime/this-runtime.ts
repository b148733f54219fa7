/**
 * The runtime that runs this test, so that one suite tries the database, the HTTP server, the FFI and the crypto of each.
 */
import process from 'node:process';
import { chooseCrypto } from '../../runtime/linux/choose-crypto.ts';
import type { Runtime } from '../../runtime/linux/runtime.ts';

const name = ['bun', 'deno'].find((each) => each in process.versions) ?? 'node';

// By a computed address: the types of Bun and Deno stay in their own folders. Each of them exports a Runtime of this name.
const module = (await import(`../../runtime/${name}/runtime.ts`)) as { runtime: Runtime };

export const { runtime } = module;

/** The provider that the runtime chooses by itself. */
export const runtimeCrypto = await chooseCrypto(runtime);
