/**
 * `node runtime/node/build-wasm.ts`: compiles src/wasm/*.ts with AssemblyScript and writes the modules into src/, as base64.
 * The compiler's version is pinned by package-lock.json: the same source gives the same bytes, which a test compares.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** What is used of assemblyscript/asc, whose own types would change the global Array of everybody who sees them. */
interface Compiler {
  readonly main: (args: readonly string[], io: CompilerIo) => Promise<{ error: Error | null }>;
}
interface CompilerIo {
  readFile(name: string): string | null;
  writeFile(name: string, contents: Uint8Array | string): void;
  listFiles(): string[];
  readonly stderr: { write(text: string | Uint8Array): boolean };
}
const COMPILER: string = 'assemblyscript/asc';

export interface WasmModule {
  /** In src/wasm/, without `.ts`. */
  source: string;
  constant: string;
  target: URL;
}

const ROOT = new URL('../../', import.meta.url);

export const WASM_MODULES: readonly WasmModule[] = [
  { source: 'offload', constant: 'OFFLOAD_WASM', target: new URL('src/offload/wasm-module.ts', ROOT) },
  { source: 'aead', constant: 'AEAD_WASM', target: new URL('src/crypto/wasm-module.ts', ROOT) },
];

// The memory is the caller's, and nothing in it is the module's own: no heap, no stack, no data.
// It has a page at least: where the code itself checks bounds (Deno), that saves one of two comparisons at each access.
const OPTIONS =
  '-O3 --converge --noAssert --runtime stub --importMemory --noExportMemory --enable simd --initialMemory 1'.split(' ');

/** The text of the module's TypeScript file. Rejects with the compiler's messages. */
export async function buildWasm({ source, constant }: WasmModule): Promise<string> {
  let binary: Uint8Array | undefined;
  const messages: string[] = [];
  const { main } = (await import(COMPILER)) as Compiler; // as its documentation says
  const { error } = await main([`${source}.ts`, ...OPTIONS, '--outFile', 'out.wasm'], {
    readFile: readSource,
    writeFile: (_name, contents) => {
      if (typeof contents !== 'string') binary = contents;
    },
    listFiles: () => [],
    stderr: { write: (text: string | Uint8Array) => messages.push(String(text)) > 0 },
  });
  if (error || !binary)
    throw new Error(`src/wasm/${source}.ts does not compile:\n${messages.join('')}`, { cause: error });
  return `/** Written by runtime/node/build-wasm.ts from src/wasm/${source}.ts: do not edit. */
export const ${constant} =
  '${Buffer.from(binary).toString('base64')}';
`;
}

/** The compiler also asks for its own library below node_modules, which it has inside. */
function readSource(name: string): string | null {
  const file = new URL(`src/wasm/${name}`, ROOT);
  return /^\w+\.ts$/.test(name) && existsSync(file) ? readFileSync(file, 'utf8') : null;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const module of WASM_MODULES) writeFileSync(module.target, await buildWasm(module));
}
