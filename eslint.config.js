import tseslint from 'typescript-eslint';

const nodeBuiltIns = { regex: '^node:', message: 'Workflow code is deterministic: no Node built-ins.' };
const layer = (names, message, options = {}) => ({ regex: `^\\.\\.?/(?:.*/)?(?:${names})/`, message, ...options });
const developersOwn = layer('bench|chaos|dev|scripts|test', 'The service does without what its developers use.');

/**
 * Forbids a folder of the service to import what the architecture keeps out of it (docs/architecture.md, "Folders and
 * layers").
 */
function fence(folder, patterns) {
  return {
    files: [`${folder}/**/*.ts`, `${folder}/**/*.tsx`],
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [...patterns, developersOwn] }],
    },
  };
}

/** What holds for all of activities/; its folders have an order of their own besides. */
const activities = [
  layer('api|cli|telemetry|worker|workflows', 'Activities are called by workflows, and call storage/.'),
  { regex: '^hono|^@hono/|^@google-cloud/', message: 'Cloud Storage is reached through storage/.' },
];

export default tseslint.config(
  { ignores: ['node_modules', '.tools', '.data', '.bundle'] },
  {
    files: ['**/*.ts', 'api/page/client/*.js'],
    extends: [tseslint.configs.strictTypeChecked],
    languageOptions: {
      parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: false }],
      '@typescript-eslint/no-misused-promises': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': ['error', { considerDefaultExhaustiveForUnions: true }],
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      // `using _lease = …` is held, not read.
      '@typescript-eslint/no-unused-vars': ['error', { varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      'no-console': 'error',
    },
  },
  fence('contract', [
    nodeBuiltIns,
    layer(
      'api|activities|cli|config|manifests|storage|telemetry|worker|workflows',
      'contract/ is what all sides share.',
    ),
    { regex: '^@(?:google-cloud|hono)/|^hono', message: 'contract/ stays light enough for workflows.' },
  ]),
  fence('config', [
    layer(
      'api|activities|cli|manifests|storage|telemetry|worker|workflows',
      'config/ knows nothing of what it is the settings of.',
    ),
  ]),
  fence('workflows', [
    nodeBuiltIns,
    layer('api|cli|config|manifests|storage|telemetry|worker', 'Workflows decide; I/O is for activities.'),
    layer('activities', 'Workflows know activities by type only.', { allowTypeImports: true }),
    { regex: '^(?:pino|jose|hono|zod|@hono/|@google-cloud/|@temporalio/(?:client|worker|activity))' },
  ]),
  {
    files: ['workflows/**/*.ts', 'contract/**/*.ts'],
    rules: {
      'no-restricted-syntax': [
        'error',
        ...[
          'VariableDeclaration[kind!="const"]',
          'VariableDeclaration > VariableDeclarator > NewExpression[callee.name=/^(Map|WeakMap|WeakSet)$/]',
        ].map((state) => ({
          selector: `:matches(Program, ExportNamedDeclaration) > ${state}`,
          message: 'Modules of the workflow bundle are shared by all workflows of a worker: no state at the top level.',
        })),
      ],
    },
  },
  fence('storage', [
    layer('api|activities|cli|manifests|telemetry|worker|workflows', 'storage/ knows nothing of jobs in flight.'),
    { regex: '^@temporalio/|^hono|^@hono/', message: 'storage/ speaks to Cloud Storage alone.' },
  ]),
  fence('telemetry', [
    layer('api|activities|cli|manifests|worker|workflows', 'telemetry/ tells of what others do.'),
    { regex: '^@temporalio/(?:worker|workflow|activity|client)|^hono|^@hono/|^@google-cloud/' },
  ]),
  fence('manifests', [
    layer(
      'api|activities|cli|config|storage|telemetry|worker|workflows',
      'manifests/ turns bytes into entries, no more.',
    ),
    { regex: '^@temporalio/|^hono|^@hono/|^@google-cloud/|^undici', message: 'manifests/ does no I/O.' },
  ]),
  fence('activities', activities),
  ...[
    ['access', 'admission|copying|locks|planning|reconcile|record|sweep'],
    ['locks', 'access|admission|copying|planning|reconcile|record|sweep'],
    ['record', 'access|admission|copying|planning|reconcile|sweep'],
    ['planning', 'admission|copying|reconcile|record|sweep'],
    ['copying', 'access|admission|planning|reconcile|record|sweep'],
    ['admission', 'reconcile|sweep'],
    ['reconcile', 'access|admission|planning|sweep'],
    ['sweep', 'access|admission|copying|planning|reconcile|record'],
  ].map(([folder, others]) =>
    fence(`activities/${folder}`, [
      ...activities,
      { regex: `^(?:\\.\\./)+(?:${others})/`, message: 'See the order of the folders in docs/architecture.md.' },
    ]),
  ),
  fence('api', [
    layer('activities|cli|manifests|worker|workflows', 'api/ hands over to Temporal; it runs no job itself.'),
    { regex: '^@temporalio/(?:worker|workflow|activity)|^@google-cloud/' },
  ]),
  fence('cli', [
    layer(
      'api|activities|manifests|telemetry|worker|workflows',
      'cli/ speaks HTTP to the API, and keeps the control bucket.',
    ),
    { regex: '^@temporalio/(?:worker|workflow|activity)|^hono|^@hono/|^@google-cloud/|^undici' },
  ]),
  {
    // Served as it stands: types are in comments there, and casts too.
    files: ['api/page/client/*.js'],
    rules: {
      '@typescript-eslint/no-restricted-imports': ['error', { patterns: [{ regex: '^(?!\\./)' }] }],
      '@typescript-eslint/no-floating-promises': ['error', { ignoreVoid: true }],
      // The rules do not see casts in comments, which the compiler checks.
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-argument': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  fence('worker', [layer('api|cli', 'The worker serves no HTTP routes of the API.')]),
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-member-access': 'off',
    },
  },
  {
    files: ['dev/**/*.ts', 'scripts/**/*.ts', 'cli/**/*.ts', 'bench/**/*.ts', 'chaos/**/*.ts'],
    rules: { 'no-console': 'off' },
  },
);
