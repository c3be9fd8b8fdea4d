import { defineConfig } from 'vitest/config'

// The suffix of a test file states what it needs (CONTRIBUTING.md): nothing, a PostgreSQL, processes to kill.
const project = (name: string, include: string[], more: Record<string, unknown> = {}) => ({
  test: { name, include, exclude: ['node_modules/**', 'dist/**'], ...more },
})

const postgres = { globalSetup: ['test/support/start-postgres.ts'], testTimeout: 30_000, hookTimeout: 60_000 }

export default defineConfig({
  test: {
    projects: [
      project('unit', ['{src,test}/**/*.test.ts'], {
        exclude: [
          '**/*.pg.test.ts',
          '**/*.fault.test.ts',
          '**/*.e2e.test.ts',
          '**/*.client.test.ts',
          'node_modules/**',
          'dist/**',
        ],
        testTimeout: 20_000,
      }),
      project('pg', ['{src,test}/**/*.pg.test.ts'], postgres),
      project('e2e', ['test/**/*.e2e.test.ts'], {
        ...postgres,
        testTimeout: 120_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
      project('clients', ['test/**/*.client.test.ts'], {
        ...postgres,
        testTimeout: 1_200_000,
        // The clients are installed when they are first needed.
        hookTimeout: 600_000,
        fileParallelism: false,
      }),
      project('fault', ['test/**/*.fault.test.ts'], {
        ...postgres,
        testTimeout: 600_000,
        hookTimeout: 120_000,
        fileParallelism: false,
      }),
    ],
  },
})
