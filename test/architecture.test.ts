import { readFileSync, readdirSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'

import { describe, expect, it } from 'vitest'

const source = resolve(import.meta.dirname, '../src')

/** Which folders a folder may import from, besides itself. `base` is open to all; of the others only the doors. */
const mayImport: Record<string, readonly string[]> = {
  base: [],
  access: ['base'],
  jobs: ['base'],
  store: ['base', 'access', 'jobs'],
  streams: ['base', 'access', 'jobs'],
  collect: ['base', 'access', 'jobs', 'store', 'streams'],
  process: ['base', 'access', 'jobs', 'store', 'streams'],
  deliver: ['base', 'access', 'jobs', 'store', 'streams'],
  connectors: ['base', 'collect', 'deliver'],
  protocols: ['base', 'access', 'jobs', 'store', 'streams', 'collect', 'process', 'deliver'],
  api: ['base', 'access', 'jobs', 'store', 'streams', 'collect', 'process', 'deliver'],
  cli: ['base', 'api', 'server'],
  server: [
    'base',
    'access',
    'jobs',
    'store',
    'streams',
    'collect',
    'process',
    'deliver',
    'connectors',
    'protocols',
    'api',
  ],
}

/** The files of a folder that other folders may import. The server wires everything and may open any file. */
const doors: Record<string, readonly string[]> = {
  access: ['access.ts'],
  jobs: ['jobs.ts', 'schedules.ts', 'limits.ts', 'dead-letters.ts', 'figures.ts', 'workers.ts', 'waiting-reason.ts'],
  store: [
    'store.ts',
    'assignment.ts',
    'iceberg.ts',
    'types.ts',
    'columns.ts',
    'conditions.ts',
    'damaged-file.ts',
    'parquet-options.ts',
    'quarantine.ts',
    'upkeep.ts',
    'written-chunk.ts',
    'schema/changes.ts',
    'schema/projection.ts',
  ],
  collect: ['collect.ts', 'rejections.ts', 'replay.ts', 'bulk/bulk-imports.ts'],
  process: ['process.ts'],
  deliver: ['deliver.ts'],
}

/** The only files of the command line that may load the server, and only when their command runs. */
const serverCommands = ['cli/commands/serve.ts', 'cli/commands/dev.ts', 'cli/commands/migrate.ts']

interface Import {
  readonly from: string
  readonly to: string
  readonly lazy: boolean
}

const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'))

function importsOf(file: string): Import[] {
  const text = readFileSync(join(source, file), 'utf8')
  const statements = text.matchAll(/(?:from\s+|^import\s+|(import)\(\s*|new URL\(\s*)'(\.[^']+\.ts)'/gm)
  return [...statements].map((match) => ({
    from: file,
    to: relative(source, resolve(source, dirname(file), match[2] ?? '')),
    lazy: match[1] !== undefined,
  }))
}

const folderOf = (file: string): string => file.split('/')[0] ?? ''
/** Tests, and what only tests import: they may open any door, and use the real clock. */
const isTest = (file: string): boolean => file.endsWith('.test.ts') || file.includes('/testing/')

const imports = files.filter((file) => !isTest(file)).flatMap(importsOf)
const crossing = imports.filter(({ from, to }) => folderOf(from) !== folderOf(to) && folderOf(to) !== '..')

describe('architecture', () => {
  it('sees the files and their imports', () => {
    expect(files.length).toBeGreaterThan(80)
    expect(imports.length).toBeGreaterThan(200)
    expect(crossing.length).toBeGreaterThan(100)
  })

  it('knows every folder', () => {
    expect([...new Set(files.map(folderOf))].filter((folder) => !(folder in mayImport))).toEqual([])
  })

  it('lets folders import only what the table allows', () => {
    const broken = crossing.filter(({ from, to }) => !mayImport[folderOf(from)]?.includes(folderOf(to)))
    expect(broken).toEqual([])
  })

  it('lets folders enter others only by their doors', () => {
    const broken = crossing.filter(({ from, to }) => {
      const open = doors[folderOf(to)]
      return folderOf(from) !== 'server' && open !== undefined && !open.includes(to.split('/').slice(1).join('/'))
    })
    expect(broken).toEqual([])
  })

  it('lets the command line see of the API only the contract, and load the server only to serve', () => {
    const broken = crossing.filter(({ from, to, lazy }) => {
      if (folderOf(from) !== 'cli') return false
      if (folderOf(to) === 'api') return !to.startsWith('api/contract/')
      return folderOf(to) === 'server' && !(lazy && serverCommands.includes(from))
    })
    expect(broken).toEqual([])
  })

  it('keeps DuckDB out of everything but engine tasks', () => {
    const users = files.filter((file) => readFileSync(join(source, file), 'utf8').includes("from '@duckdb/node-api'"))
    const outside = users.filter(
      (file) => !isTest(file) && !/^(base\/duckdb|collect\/convert|process\/(engines|planning)|deliver)\//.test(file),
    )
    expect(users.length).toBeGreaterThan(0)
    expect(outside).toEqual([])
  })

  it('leaves clock and chance to the ports', () => {
    const core = /^(access|jobs|store|collect|process|deliver)\//
    const impure = /Date\.now\(|Math\.random\(|new Date\(\)|performance\.now\(|randomUUID\(|from 'node:timers/
    const broken = files.filter(
      (file) => core.test(file) && !isTest(file) && impure.test(readFileSync(join(source, file), 'utf8')),
    )
    expect(broken).toEqual([])
  })
})
