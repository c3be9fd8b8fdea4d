import type { Command } from 'commander'

import type { Terminal } from './terminal.ts'

/** Gives a command its arguments, options, subcommands and action. */
export type DefineCommand = (command: Command, terminal: Terminal) => void

interface CommandEntry {
  readonly name: string
  readonly summary: string
  /** Loads the file of the command: only the one that runs is loaded. */
  readonly load: () => Promise<DefineCommand>
}

export const commands: readonly CommandEntry[] = [
  {
    name: 'serve',
    summary: 'start the server',
    load: async () => (await import('./commands/serve.ts')).defineServe,
  },
  {
    name: 'dev',
    summary: 'start the server for development, with more in its log',
    load: async () => (await import('./commands/dev.ts')).defineDev,
  },
  {
    name: 'migrate',
    summary: 'bring the database of a cluster to the newest schema',
    load: async () => (await import('./commands/migrate.ts')).defineMigrate,
  },
  {
    name: 'db',
    summary: 'list, show, create and delete databases',
    load: async () => (await import('./commands/db.ts')).defineDb,
  },
  {
    name: 'table',
    summary:
      'list, show, make, change, empty, swap, delete tables and bring them back; see their rows, history, quarantine and layout',
    load: async () => (await import('./commands/table.ts')).defineTable,
  },
  {
    name: 'import',
    summary: 'import files into a table, each record once',
    load: async () => (await import('./commands/import.ts')).defineImport,
  },
  {
    name: 'quarantine',
    summary: 'look at records that could not be read, mend them and read them again',
    load: async () => (await import('./commands/quarantine.ts')).defineQuarantine,
  },
  {
    name: 'rejections',
    summary: 'tell what was rejected in the last minutes, and why',
    load: async () => (await import('./commands/rejections.ts')).defineRejections,
  },
  {
    name: 'query',
    summary: 'run a statement of SQL',
    load: async () => (await import('./commands/query.ts')).defineQuery,
  },
  {
    name: 'sql',
    summary: 'talk SQL line by line',
    load: async () => (await import('./commands/sql.ts')).defineSql,
  },
  {
    name: 'job',
    summary: 'list, show, wait for and kill jobs; say why one waits; fetch results; redrive the dead',
    load: async () => (await import('./commands/job.ts')).defineJob,
  },
  {
    name: 'sched',
    summary: 'make schedules that run queries; pause, run and backfill them; see their times and history',
    load: async () => (await import('./commands/sched.ts')).defineSched,
  },
  {
    name: 'limit',
    summary: 'list, set, remove and pause limits of what runs at once',
    load: async () => (await import('./commands/limit.ts')).defineLimit,
  },
  {
    name: 'worker',
    summary: 'list the processes that take jobs',
    load: async () => (await import('./commands/worker.ts')).defineWorker,
  },
  {
    name: 'key',
    summary: 'list, create and revoke API keys',
    load: async () => (await import('./commands/key.ts')).defineKey,
  },
  {
    name: 'user',
    summary: 'list, create, delete users; grant them databases',
    load: async () => (await import('./commands/user.ts')).defineUser,
  },
  {
    name: 'status',
    summary: 'show how the server is',
    load: async () => (await import('./commands/status.ts')).defineStatus,
  },
  {
    name: 'verify',
    summary: 'check the files of tables, and mend what is wrong with them',
    load: async () => (await import('./commands/verify.ts')).defineVerify,
  },
  {
    name: 'doctor',
    summary: 'check everything between here and an answer',
    load: async () => (await import('./commands/doctor.ts')).defineDoctor,
  },
  {
    name: 'login',
    summary: 'keep the address and key of a server in a profile',
    load: async () => (await import('./commands/login.ts')).defineLogin,
  },
  {
    name: 'config',
    summary: 'show which settings are in force, and where they come from',
    load: async () => (await import('./commands/config.ts')).defineConfig,
  },
  {
    name: 'api',
    summary: 'send a request of your own',
    load: async () => (await import('./commands/api.ts')).defineApi,
  },
  {
    name: 'version',
    summary: 'show the version',
    load: async () => (await import('./commands/version.ts')).defineVersion,
  },
]
