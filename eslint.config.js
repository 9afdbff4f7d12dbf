import tseslint from 'typescript-eslint'

/** The workspaces meet in package `exports` alone. */
const forbidden = (group, message) => ({ 'no-restricted-imports': ['error', { patterns: [{ group, message }] }] })

export default tseslint.config(
  { ignores: ['**/node_modules/', 'results/'] },
  {
    files: ['**/*.ts'],
    extends: [...tseslint.configs.strictTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    linterOptions: { reportUnusedDisableDirectives: 'error' },
    rules: {
      '@typescript-eslint/no-floating-promises': 'error',
      // Typed-array and tuple reads are bounds-known in hot paths; `!` says so without a branch.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      // `{ left_out: _unused, ...rest }` is how a member is left out.
      '@typescript-eslint/no-unused-vars': ['error', { ignoreRestSiblings: true }],
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/switch-exhaustiveness-check': 'error',
    },
  },
  {
    files: ['harness/**/*.ts'],
    rules: forbidden(
      ['**/gateway/src/**', '**/mock-provider/src/**'],
      'Import what @gatebench/gateway and @gatebench/mock-provider export.',
    ),
  },
  {
    files: ['gateway/**/*.ts', 'mock-provider/**/*.ts'],
    rules: forbidden(
      ['**/harness/**', '@gatebench/harness', '@gatebench/harness/**'],
      'Imports run from the harness to gateway and mock, never back.',
    ),
  },
  {
    files: ['**/*.test.ts'],
    // node:test's describe and test return promises that the runner itself awaits.
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', name: ['describe', 'test', 'it', 'suite'], package: 'node:test' },
          ],
        },
      ],
    },
  },
)
