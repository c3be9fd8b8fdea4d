import { defineConfig } from 'vitest/config'
import { BaseSequencer } from 'vitest/node'
import type { TestSpecification } from 'vitest/node'

// The suffix of a test file states what it needs (CONTRIBUTING.md): nothing, a PostgreSQL, processes to kill.
const project = (name: string, include: string[], more: Record<string, unknown> = {}) => ({
  test: { name, include, exclude: ['node_modules/**', 'dist/**'], ...more },
})

/** Test files share their process, which saves about a quarter of the processor time of unit and pg tests: 15.2 instead of 20.2 minutes. */
const shared = { isolate: false }

/**
 * A test waits for a condition and not for a time, and these are only the ends of its patience: what is right comes long before, on a
 * machine that is ten times as busy, too. Whatever a test waits for with `expect.poll` may take so long, so that it can say what did not come.
 */
const patience = { testTimeout: 180_000, hookTimeout: 180_000, expect: { poll: { timeout: 90_000 } } }

const postgres = { ...patience, globalSetup: ['test/support/start-postgres.ts'] }

/** Files that take a minute or several: what begins last is what everybody waits for. */
const longFiles = [
  'store-model.pg',
  'store-model-beside.pg',
  'simulation',
  'scenarios.pg',
  'supervisor',
  'embedded.pg',
  'torture.fault',
  'hostile.pg',
  'jobs/model.pg',
  'exactly-once.pg',
  'job-runner.pg',
  'consistency.client',
  'events.client',
]

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = longFiles.findIndex((name) => moduleId.includes(`${name}.test.ts`))
      return index === -1 ? longFiles.length : index
    }
    return (await super.sort(files)).toSorted((a, b) => rank(a) - rank(b))
  }
}

export default defineConfig({
  test: {
    sequence: { sequencer: LongestFirst },
    // Half of the time a test waits for a database or a process, so that two at once suit two processors.
    maxWorkers: 2,
    teardownTimeout: 60_000,
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
        ...patience,
        ...shared,
      }),
      project('pg', ['{src,test}/**/*.pg.test.ts'], { ...postgres, ...shared }),
      project('e2e', ['test/**/*.e2e.test.ts'], {
        ...postgres,
        testTimeout: 600_000,
        hookTimeout: 600_000,
      }),
      project('clients', ['test/**/*.client.test.ts'], {
        ...postgres,
        globalSetup: [...postgres.globalSetup, 'test/clients/install-clients.ts'],
        testTimeout: 1_200_000,
        hookTimeout: 600_000,
      }),
      project('fault', ['test/**/*.fault.test.ts'], {
        ...postgres,
        testTimeout: 1_200_000,
        hookTimeout: 600_000,
      }),
    ],
  },
})
