import { execFile } from 'node:child_process'
import { createHash, randomBytes } from 'node:crypto'
import {
  chmod,
  chown,
  lstat,
  mkdir,
  open,
  readFile,
  realpath,
  rename,
  rm,
  rmdir,
  stat,
  writeFile,
} from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'

import { errno } from '../disk.ts'
import { AppError } from '../errors.ts'
import type { PostgresBinaries } from './binaries.ts'
import { binariesEnvironment } from './binaries.ts'
import type { ServerUser } from './server-user.ts'
import { areWeRoot, canWriteAs, unprivilegedUser } from './server-user.ts'

const run = promisify(execFile)

/** Where root keeps what an unprivileged user must reach, when it cannot reach the data directory. */
const sharedHome = '/var/lib/biwa'

/** The user name and the database that Biwa uses in its own PostgreSQL. */
export const clusterUser = 'biwa'

/** A place on disk for one cluster: `data` (what PostgreSQL calls its data directory) and `password`. */
export interface ClusterPlace {
  readonly directory: string
  readonly user: ServerUser
  /** Where programs may be copied to, so that `user` can reach them. */
  readonly copiesDirectory: string
}

/**
 * Finds or makes the place of the cluster that belongs to a data directory: `postgres` in it, or, when we are root and
 * the user that runs PostgreSQL cannot get there (everything below /root), a directory under /var/lib/biwa, which a
 * text file in the data directory then names. Fails with `startup`.
 */
export async function findPlace(dataDirectory: string): Promise<ClusterPlace> {
  const inside = join(dataDirectory, 'postgres')
  const noted = await readNote(dataDirectory)
  if (noted !== undefined) return await existingPlace(noted, dataDirectory, sharedHome)
  const copiesDirectory = areWeRoot() ? sharedHome : dataDirectory
  // For root, an inner directory without a cluster is what a start that was cut short has left: decide again.
  const settled = areWeRoot() ? join(inside, 'data', 'PG_VERSION') : inside
  if (await exists(settled)) return await existingPlace(inside, dataDirectory, copiesDirectory)

  const user = await unprivilegedUser()
  await makePrivate(inside, user)
  if (user === undefined || (await canReach(user, inside, dataDirectory))) {
    return { directory: inside, user, copiesDirectory }
  }
  await rmdir(inside).catch(() => {})
  const name = createHash('sha256')
    .update(await realpath(dataDirectory))
    .digest('hex')
    .slice(0, 16)
  const elsewhere = join(sharedHome, name)
  await mkdir(sharedHome, { recursive: true, mode: 0o755 })
  await makePrivate(elsewhere, user)
  await writeFile(noteOf(dataDirectory), noteText(elsewhere))
  return { directory: elsewhere, user, copiesDirectory }
}

/** A data directory that only root may enter is opened for passing through, to the group of the server's user alone. */
async function canReach(user: NonNullable<ServerUser>, inside: string, dataDirectory: string): Promise<boolean> {
  if (await canWriteAs(user, inside)) return true
  const before = await stat(dataDirectory)
  if (before.uid !== 0) return false
  await chown(dataDirectory, 0, user.gid)
  await chmod(dataDirectory, before.mode | 0o010)
  if (await canWriteAs(user, inside)) return true
  await chown(dataDirectory, 0, before.gid)
  await chmod(dataDirectory, before.mode)
  return false
}

/** A cluster that is there runs as the user that owns it, who may be another than would be chosen today. */
async function existingPlace(directory: string, dataDirectory: string, copiesDirectory: string): Promise<ClusterPlace> {
  if (!(await exists(directory))) {
    throw new AppError(
      'startup',
      `The data directory's PostgreSQL cluster should be at ${directory}, but is not there.`,
      {
        hint: `Bring it back, or remove ${dataDirectory} to begin anew.`,
      },
    )
  }
  const { uid, gid } = await stat(directory)
  if (areWeRoot()) return { directory, user: { uid, gid }, copiesDirectory }
  if (uid === process.getuid?.()) return { directory, user: undefined, copiesDirectory }
  throw new AppError('startup', `The PostgreSQL cluster ${directory} belongs to another user (id ${uid}).`, {
    hint: 'Start Biwa as the user that made the data directory, or choose another one with --data-dir.',
  })
}

const noteOf = (dataDirectory: string): string => join(dataDirectory, 'postgres-is-elsewhere.txt')

const noteText = (elsewhere: string): string => `The PostgreSQL cluster of this data directory lies in

${elsewhere}

because PostgreSQL does not run as root, and the user that runs it instead cannot reach this directory.
Whoever copies or removes one of the two must do the same with the other.
`

async function readNote(dataDirectory: string): Promise<string | undefined> {
  try {
    return /^\/.*$/m.exec(await readFile(noteOf(dataDirectory), 'utf8'))?.[0]
  } catch (error) {
    if (errno(error) === 'ENOENT') return undefined
    throw error
  }
}

/**
 * Makes the cluster if there is none, and returns its data directory and password. What `initdb` leaves behind when it
 * is cut short lies under another name and is removed by the next start.
 */
export async function openCluster(
  place: ClusterPlace,
  binaries: PostgresBinaries,
): Promise<{ data: string; password: string }> {
  const data = join(place.directory, 'data')
  const passwordFile = join(place.directory, 'password')
  if (!(await exists(join(data, 'PG_VERSION')))) await initialise(place, binaries, data, passwordFile)
  const version = Number(await readFile(join(data, 'PG_VERSION'), 'utf8'))
  if (version !== binaries.majorVersion) {
    const message = `The cluster in ${data} was made by PostgreSQL ${version}, this Biwa brings ${binaries.majorVersion}.`
    throw new AppError('startup', message, { hint: 'Start the Biwa that made it, and move the data over from there.' })
  }
  return { data, password: (await readFile(passwordFile, 'utf8')).trim() }
}

async function initialise(
  place: ClusterPlace,
  binaries: PostgresBinaries,
  data: string,
  passwordFile: string,
): Promise<void> {
  const unfinished = `${data}.unfinished`
  await rm(unfinished, { recursive: true, force: true })
  await writeFile(passwordFile, `${randomBytes(24).toString('hex')}\n`, { mode: 0o600, flush: true })
  if (place.user !== undefined) await chown(passwordFile, place.user.uid, place.user.gid)
  const args = ['-D', unfinished, '-U', clusterUser, '--auth=scram-sha-256', `--pwfile=${passwordFile}`]
  try {
    const identity = { ...place.user, cwd: '/', env: binariesEnvironment }
    await run(binaries.initdb, [...args, '--locale=C', '--encoding=UTF8'], identity)
  } catch (error) {
    const words = String((error as { stderr?: unknown }).stderr ?? error).trim()
    throw new AppError('startup', `PostgreSQL cannot set up its files in ${place.directory}: ${words}`, {
      hint: 'Choose another directory with --data-dir, or set BIWA_DATABASE_URL to a PostgreSQL of yours.',
      cause: error,
    })
  }
  await rename(unfinished, data)
  await syncDirectory(place.directory)
}

/**
 * The directory of the server's socket, which only the server's user and root may enter. It lies under the system's
 * temporary directory because the path of a socket may have 107 bytes at most (unix(7): `sun_path`).
 */
export async function makeSocketDirectory(place: ClusterPlace): Promise<string> {
  const name = `biwa-${createHash('sha256').update(place.directory).digest('hex').slice(0, 16)}`
  const directory = join(tmpdir().length > 70 ? '/tmp' : tmpdir(), name)
  await makePrivate(directory, place.user)
  // Others may write to the temporary directory: what lies there under our name must be ours.
  const found = await lstat(directory)
  const owner = place.user?.uid ?? process.getuid?.()
  if (!found.isDirectory() || found.uid !== owner || (found.mode & 0o077) !== 0) {
    throw new AppError('startup', `${directory}, the place of PostgreSQL's socket, belongs to somebody else.`, {
      hint: 'Remove it, or set TMPDIR to a directory of your own.',
    })
  }
  return directory
}

/** Makes a directory for `user` alone; one that is there already is left as it is, unless it still is root's. */
async function makePrivate(directory: string, user: ServerUser): Promise<void> {
  try {
    await mkdir(directory, { mode: 0o700 })
  } catch (error) {
    if (errno(error) === 'EEXIST' && (user === undefined || (await lstat(directory)).uid !== 0)) return
    if (errno(error) !== 'EEXIST')
      throw new AppError('startup', `The directory ${directory} cannot be made: ${String(error)}`, {
        hint: 'Make the directory above it writable for the user that starts Biwa.',
        cause: error,
      })
  }
  if (user !== undefined) await chown(directory, user.uid, user.gid)
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, 'r')
  try {
    await directory.sync()
  } finally {
    await directory.close()
  }
}

async function exists(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (errno(error) === 'ENOENT' || errno(error) === 'EACCES') return false
    throw error
  }
}
