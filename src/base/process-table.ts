import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { readFile, readdir, readlink, realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import { promisify } from 'node:util'

import { errno } from './disk.ts'

const run = promisify(execFile)

/**
 * Says whether a process with this id runs, whoever owns it. One that has ended and waits for a parent that never looks
 * (a zombie, for ever under some containers' first process) does not run.
 */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
  } catch (error) {
    return errno(error) === 'EPERM'
  }
  return process.platform !== 'linux' || !isZombie(pid)
}

function isZombie(pid: number): boolean {
  try {
    const fields = stateAndLater(readFileSync(`/proc/${pid}/stat`, 'utf8'))
    // One whose first thread has ended has all its files and sockets open until the last one has, which may wait for a disk.
    return fields[0] === 'Z' && Number(fields[20 - 3]) <= 1
  } catch {
    return false
  }
}

/** The fields of /proc/pid/stat from the third on: the second is a name that may hold spaces and parentheses itself. */
function stateAndLater(stat: string): string[] {
  return stat.slice(stat.lastIndexOf(')') + 2).split(' ')
}

/** The command line of a process, its arguments parted by spaces; undefined where there is no such process. */
export async function commandOf(pid: number): Promise<string | undefined> {
  if (process.platform === 'linux') {
    const text = await readProcess(pid, 'cmdline')
    return text?.replaceAll('\0', ' ').trim()
  }
  return await askPs(pid, 'command=')
}

/**
 * Something that tells a process from every other that has or had its id: on Linux the clock ticks from boot to its
 * start (field 22 of /proc/pid/stat, proc(5)), elsewhere the start time that `ps` prints. Undefined where it is gone.
 */
export async function birthOf(pid: number): Promise<string | undefined> {
  if (process.platform !== 'linux') return await askPs(pid, 'lstart=')
  const text = await readProcess(pid, 'stat')
  return text === undefined ? undefined : stateAndLater(text)[22 - 3]
}

/** The processes whose working directory this is, with the names of their programs. None where there is no /proc. */
export async function processesIn(directory: string): Promise<{ readonly pid: number; readonly program: string }[]> {
  const path = await realpath(directory)
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const found = ids.map(async (id) => {
    const [works, program] = await Promise.all(['cwd', 'exe'].map((link) => linkOf(id, link)))
    return works === path ? [{ pid: Number(id), program: basename(program ?? '') }] : []
  })
  return (await Promise.all(found)).flat()
}

async function linkOf(id: string, link: string): Promise<string | undefined> {
  try {
    return await readlink(`/proc/${id}/${link}`)
  } catch {
    // It has ended, or is somebody else's.
    return undefined
  }
}

/** Bytes of the process in memory now; undefined where it is gone. */
export async function residentBytesOf(pid: number): Promise<number | undefined> {
  if (process.platform === 'linux') {
    const pages = Number(statmOf(pid)?.split(' ')[1])
    return Number.isNaN(pages) ? undefined : pages * pageBytes
  }
  const kibibytes = Number.parseInt((await askPs(pid, 'rss=')) ?? '', 10)
  return Number.isNaN(kibibytes) ? undefined : kibibytes * 1024
}

/** Linux counts `statm` in pages of 4 KiB on every platform that both Node and DuckDB are built for. */
const pageBytes = 4096

/** At once: it is read many times a second, never waits for a disk, and five trips to a pool of threads would cost more. */
function statmOf(pid: number): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/statm`, 'utf8')
  } catch {
    return undefined
  }
}

async function readProcess(pid: number, file: string): Promise<string | undefined> {
  try {
    return await readFile(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return undefined
  }
}

async function askPs(pid: number, column: string): Promise<string | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', column, '-p', String(pid)])
    return stdout.trim() || undefined
  } catch {
    return undefined
  }
}
