import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'

import { AppError } from '../errors.ts'

const run = promisify(execFile)

/** The user that PostgreSQL runs as; undefined means: the one that we are. */
export type ServerUser = { readonly uid: number; readonly gid: number } | undefined

export function areWeRoot(): boolean {
  return process.getuid?.() === 0
}

/**
 * PostgreSQL refuses to run as root, and `initdb` wants a user with an entry in the user database. When we are root
 * that is `postgres` where there is one, and `nobody` otherwise.
 */
export async function unprivilegedUser(): Promise<ServerUser> {
  if (!areWeRoot()) return undefined
  const entries = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = entries.find(([name]) => name === wanted) ?? []
    // macOS writes nobody's ids as −2, the system calls take them unsigned.
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid) >>> 0, gid: Number(gid) >>> 0 }
  }
  throw new AppError(
    'startup',
    'PostgreSQL cannot run as root, and there is no user `postgres` or `nobody` to run it.',
    {
      hint: 'Start Biwa as another user, or set BIWA_DATABASE_URL to a PostgreSQL of yours.',
    },
  )
}

/** Says whether the user can pass through all directories above `directory` and write into it. */
export async function canWriteAs(user: ServerUser, directory: string): Promise<boolean> {
  try {
    await run('/bin/sh', ['-c', 'test -w "$1" && test -x "$1"', 'sh', directory], { ...user, cwd: '/' })
    return true
  } catch {
    return false
  }
}
