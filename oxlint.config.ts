const host = '^(node:|bun(:|$)|jsr:|npm:|cloudflare:)';
const leaves = ['bytes', 'keys', 'ip', 'clock', 'errors', 'log'].map((l) => `${l}.ts`);
const packages = {
  hono: '^(hono|@hono/)',
  drizzle: '^drizzle-',
  zod: '^(zod|@hono/zod-openapi)',
  noble: '^@noble/',
  commander: '^commander',
  ipaddr: '^ipaddr\\.js',
  fast: '^(koffi|better-sqlite3|pino)',
};
const forbid = (allow) =>
  Object.entries(packages)
    .filter(([k]) => !allow.includes(k))
    .map(([, v]) => v);
// up: how many folders above; folders: layer names this layer may import
const rule = (why, up, folders, pkgs = []) => ({
  'no-restricted-imports': [
    'error',
    {
      patterns: [
        { regex: host, message: 'src/ is runtime-agnostic: put this behind a port.' },
        { regex: forbid(pkgs).join('|'), message: `${why}: this package belongs to another layer.` },
        {
          group: ['../**', ...(up === 0 ? [] : [...leaves, ...folders].map((f) => `!${'../'.repeat(up)}${f}`))],
          message: `${why}: see docs/ARCHITECTURE.md, "Layers".`,
        },
      ],
    },
  ],
});
const L = (files, ...r) => ({ files, rules: rule(...r) });
const overrides = [
  L(['src/*.ts'], 'A leaf imports no layer', 0, [], ['ipaddr']),
  L(['src/crypto/**'], 'crypto -> leaves', 1, [], ['noble']),
  L(['src/noise/**'], 'noise -> crypto, leaves', 1, ['crypto/port.ts']),
  L(['src/transport/**'], 'transport -> crypto, noise constants and layouts, leaves', 1, [
    'crypto/port.ts',
    'noise/constants.ts',
    'noise/messages.ts',
  ]),
  L(['src/peer/**'], 'peer -> noise, transport', 1, ['crypto/port.ts', 'noise/*', 'transport/*']),
  L(['src/device/**'], 'device -> peer and what is below', 1, ['crypto/port.ts', 'noise/*', 'transport/*', 'peer/*']),
  L(['src/offload/**'], 'offload -> leaves', 1, []),
  L(['src/tunnel/**'], 'tunnel -> device', 1, ['device/*', 'peer/endpoint.ts', 'offload/*']),
  L(['src/uapi/**'], 'uapi -> device, tunnel', 1, ['device/*', 'tunnel/*', 'peer/*']),
  L(['src/config/**'], 'config -> leaves', 1, []),
  L(['src/network/**'], 'network -> leaves', 1, []),
  L(['src/registry/*.ts'], 'registry -> network, config, leaves', 1, ['network/*', 'config/*'], ['hono', 'zod']),
  L(['src/registry/route/**', 'src/registry/ui/**'], 'route -> service', 2, [], ['hono', 'zod']),
  L(
    ['src/registry/service/**', 'src/registry/render/**'],
    'service -> store port, network, config',
    2,
    ['network/*', 'config/*'],
    ['zod'],
  ),
  L(['src/registry/store/**'], 'store -> leaves', 2, [], ['drizzle']),
  L(
    ['src/agent/**'],
    'agent -> config, the wire format of the registry, leaves',
    1,
    ['config/*', 'registry/wire.ts'],
    ['zod'],
  ),
];
const allow = (file, list) =>
  overrides
    .find((o) => o.files.includes(file))
    .rules['no-restricted-imports'][1].patterns[2].group.push(...list.map((f) => '!' + f));
allow('src/registry/route/**', ['../service/*', '../render/*', '../wire.ts', '../problem.ts', '../env.ts']);
allow('src/registry/service/**', ['../store/port.ts', '../render/*', '../service/*', '../wire.ts']);
overrides.push({
  files: ['src/cli/**'],
  rules: {
    'no-restricted-imports': [
      'error',
      {
        patterns: [
          { regex: host, message: 'src/ is runtime-agnostic: put this behind a port.' },
          { regex: forbid(['commander', 'zod']).join('|'), message: 'cli: this package belongs to another layer.' },
          { group: ['**/runtime/**'], message: 'Nothing in src/ imports runtime/.' },
        ],
      },
    ],
  },
});

overrides.push({
  files: [
    'src/noise/**',
    'src/transport/**',
    'src/peer/**',
    'src/device/**',
    'src/offload/**',
    'src/config/**',
    'src/network/**',
    'src/agent/**',
    'src/uapi/**',
    'src/registry/service/**',
  ],
  rules: {
    'no-restricted-globals': [
      'error',
      ...['setTimeout', 'setInterval', 'setImmediate', 'fetch', 'process', 'Buffer', 'performance'].map((name) => ({
        name,
        message: 'Sans-IO: time and IO come in as arguments.',
      })),
    ],
    'no-restricted-properties': [
      'error',
      { object: 'Date', property: 'now', message: 'Time is an argument.' },
      { object: 'Math', property: 'random', message: 'Randomness is an argument.' },
    ],
  },
});
overrides.push({ files: ['*.config.ts'], rules: { 'import/no-default-export': 'off' } });
overrides.push({
  files: ['test/**', 'bench/**', 'examples/**'],
  rules: { 'typescript/no-floating-promises': 'off', 'no-await-in-loop': 'off' },
});
const cfg = {
  $schema: './node_modules/oxlint/configuration_schema.json',
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'promise', 'node'],
  options: { typeAware: true },
  categories: { correctness: 'error', suspicious: 'error' },
  rules: {
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/switch-exhaustiveness-check': 'error',
    'import/no-default-export': 'error',
    'import/no-cycle': 'error',
    'no-var': 'error',
    'prefer-const': 'error',
    eqeqeq: 'error',
    'typescript/consistent-type-imports': 'error',
    'no-underscore-dangle': 'off',
    'no-shadow': 'off',
    'unicorn/no-array-sort': 'off',
    'unicorn/no-array-reverse': 'off',
    'import/no-unassigned-import': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'typescript/no-unsafe-type-assertion': 'off',
    'promise/always-return': 'off',
    'unicorn/require-module-specifiers': 'off',
  },
  ignorePatterns: ['node_modules', 'dist', '.cache', 'migrations', 'test/lint/planted'],
  overrides,
};
export default cfg; // oxlint reads the default export
