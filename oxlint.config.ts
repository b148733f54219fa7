/**
 * Lint rules. The table below is the architecture's dependency rules (docs/ARCHITECTURE.md, "Layers"):
 * test/lint/layers.test.ts plants an import against each and expects it to be refused.
 */

/** Every layer may import these. */
const LEAVES = ['bytes', 'keys', 'ip', 'clock', 'errors', 'log'].map((leaf) => `${leaf}.ts`);

/** Packages that belong to some layers only, as regular expressions on the specifier. */
const PACKAGES = {
  hono: '^(hono$|hono/|@hono/node-server)',
  zod: '^(zod$|zod/|@hono/zod-openapi)',
  drizzle: '^drizzle-',
  noble: '^@noble/',
  commander: '^commander',
  ipaddr: '^ipaddr\\.js',
  native: '^(koffi|better-sqlite3)',
};
type Package = keyof typeof PACKAGES;

interface Layer {
  /** Globs below src/. */
  files: string[];
  rule: string;
  /** Specifiers as written in that folder, besides `./*` and the leaves. */
  imports?: string[];
  packages?: Package[];
}

const LAYERS: Layer[] = [
  { files: ['*.ts'], rule: 'a leaf imports no layer', packages: ['ipaddr'] },
  { files: ['crypto/**'], rule: 'crypto -> leaves', packages: ['noble'] },
  { files: ['noise/**'], rule: 'noise -> crypto port, leaves', imports: ['../crypto/port.ts'] },
  {
    files: ['transport/**'],
    rule: 'transport -> crypto port, noise constants and layouts, leaves',
    imports: ['../crypto/port.ts', '../noise/constants.ts', '../noise/messages.ts'],
  },
  {
    files: ['peer/**'],
    rule: 'peer -> noise, transport, and what they import',
    imports: ['../crypto/port.ts', '../noise/*', '../transport/*'],
  },
  {
    files: ['device/**'],
    rule: 'device -> peer, and what it imports',
    imports: ['../crypto/port.ts', '../noise/*', '../transport/*', '../peer/*'],
  },
  { files: ['offload/**'], rule: 'offload -> leaves' },
  {
    files: ['tunnel/**'],
    rule: 'tunnel -> device, its ports',
    imports: ['../device/*', '../peer/endpoint.ts', '../offload/*'],
  },
  {
    files: ['plane/**'],
    rule: 'plane -> device, the port that it is for the tunnel',
    imports: [
      '../crypto/port.ts',
      '../noise/constants.ts',
      '../transport/*',
      '../peer/*',
      '../device/*',
      '../tunnel/plane.ts',
    ],
  },
  {
    files: ['uapi/**'],
    rule: 'uapi -> the types of tunnel and device',
    imports: ['../device/*', '../tunnel/*', '../peer/endpoint.ts'],
  },
  { files: ['config/**'], rule: 'config -> leaves' },
  { files: ['network/**'], rule: 'network -> leaves' },
  {
    files: ['registry/*.ts'],
    rule: 'registry -> its own folders, network, config',
    imports: ['../network/*', '../config/*'],
    packages: ['hono', 'zod'],
  },
  {
    files: ['registry/route/**', 'registry/ui/**'],
    rule: 'route -> service, wire format',
    imports: ['../service/*', '../render/*', '../wire.ts', '../wire-audit.ts', '../problem.ts', '../env.ts'],
    packages: ['hono', 'zod'],
  },
  {
    files: ['registry/service/**', 'registry/render/**'],
    rule: 'service -> store port, render, network, config',
    imports: [
      '../store/port.ts',
      '../service/*',
      '../render/*',
      '../wire.ts',
      '../wire-audit.ts',
      '../../network/*',
      '../../config/*',
    ],
  },
  { files: ['registry/store/**'], rule: 'store -> leaves', packages: ['drizzle'] },
  {
    files: ['agent/**'],
    rule: 'agent -> config, the wire format of the registry, the types of the device',
    imports: ['../config/*', '../registry/wire.ts', '../device/contract.ts', '../peer/endpoint.ts', '../uapi/*'],
  },
  {
    files: ['library/**'],
    rule: 'library -> everything but cli and agent',
    imports: [
      '../crypto/*',
      '../noise/key-log.ts',
      '../peer/endpoint.ts',
      '../device/*',
      '../tunnel/*',
      '../uapi/endpoint.ts',
      '../config/*',
      '../registry/**',
    ],
    packages: ['hono'],
  },
];

const RUNTIME_MODULES = {
  regex: '^(node:|bun$|bun:|jsr:|npm:|cloudflare:)',
  message: 'src/ is runtime-agnostic: put this behind a port.',
};

function foreignPackages(rule: string, own: readonly Package[] = []) {
  const foreign = (Object.keys(PACKAGES) as Package[]).filter((name) => !own.includes(name));
  return {
    regex: foreign.map((name) => PACKAGES[name]).join('|'),
    message: `${rule}: this package belongs to another layer.`,
  };
}

function layerOverride({ files, rule, imports = [], packages }: Layer) {
  // Specifiers are relative to the importing file: a folder inside a layer sees the leaves one level further up.
  const depth = (files[0] ?? '').split('/').length - 1;
  const leaves = depth === 0 ? [] : LEAVES.map((leaf) => '../'.repeat(depth) + leaf);
  const allowed = [...leaves, ...imports].map((specifier) => `!${specifier}`);
  const patterns = [
    RUNTIME_MODULES,
    foreignPackages(rule, packages),
    { group: ['../**', ...allowed], message: `${rule}: see docs/ARCHITECTURE.md, "Layers".` },
  ];
  return { files: files.map((glob) => `src/${glob}`), rules: { 'no-restricted-imports': ['error', { patterns }] } };
}

const SANS_IO = ['noise', 'transport', 'peer', 'device', 'offload', 'config', 'network', 'agent', 'uapi', 'crypto'];
const IO_GLOBALS = ['setTimeout', 'setInterval', 'setImmediate', 'fetch', 'process', 'Buffer', 'performance', 'crypto'];

const config = {
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'node'],
  options: { typeAware: true },
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    eqeqeq: 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    'import/no-cycle': 'error',
    'import/no-default-export': 'error',
    'typescript/consistent-type-imports': 'error',
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
    // Off: they ask for another style than docs and design/style say, and find no faults.
    'import/no-unassigned-import': 'off',
    'no-shadow': 'off',
    'no-underscore-dangle': 'off',
    'promise/always-return': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'unicorn/no-array-reverse': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/require-module-specifiers': 'off',
  },
  ignorePatterns: ['node_modules', 'dist', '.cache', 'migrations'],
  overrides: [
    ...LAYERS.map(layerOverride),
    {
      files: ['src/cli/**'],
      rules: {
        'no-restricted-imports': [
          'error',
          {
            patterns: [
              RUNTIME_MODULES,
              foreignPackages('cli', ['commander', 'zod']),
              { group: ['**/runtime/**'], message: 'Nothing in src/ imports runtime/.' },
            ],
          },
        ],
      },
    },
    {
      files: [
        'src/*.ts',
        ...[...SANS_IO, 'tunnel', 'registry/service', 'registry/render'].map((folder) => `src/${folder}/**`),
      ],
      rules: {
        'no-restricted-globals': [
          'error',
          ...IO_GLOBALS.map((name) => ({ name, message: 'Sans-IO: time and IO come in as arguments.' })),
        ],
        'no-restricted-properties': [
          'error',
          { object: 'Date', property: 'now', message: 'Sans-IO: time is an argument.' },
          { object: 'Math', property: 'random', message: 'Sans-IO: randomness is an argument.' },
        ],
      },
    },
    {
      // AssemblyScript: its number types are all one to the linter, and its assertions convert.
      files: ['src/wasm/**'],
      rules: { 'typescript/no-unnecessary-type-assertion': 'off' },
    },
    // Whose default export somebody else's program reads.
    {
      files: ['*.config.ts', 'runtime/worker/main.ts', 'test/runtime/worker/entry.ts', 'test/run-reporter.ts'],
      rules: { 'import/no-default-export': 'off' },
    },
    {
      files: ['test/**', 'bench/**', 'examples/**'],
      rules: { 'typescript/no-floating-promises': 'off', 'no-await-in-loop': 'off' },
    },
  ],
};

export default config; // the name of the export is oxlint's
