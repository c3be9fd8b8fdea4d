import { readdir, readlink, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'

/**
 * Kills what a dead postmaster left behind on this data directory, and tells how many processes that were. Most backends notice the
 * death and end by themselves; one that waits for a lock of another that did so waits for ever, and no server starts beside it.
 * Killing it loses nothing that was acknowledged: the start recovers from the log, as after any crash. The caller knows that no
 * postmaster runs here. Where there is no /proc, nothing is found.
 */
export async function killOrphans(data: string): Promise<number> {
  const directory = await realpath(data)
  const ids = (await readdir('/proc').catch(() => [])).filter((name) => /^\d+$/.test(name))
  const orphans = await Promise.all(ids.map(async (id) => ((await isServerProcess(id, directory)) ? [Number(id)] : [])))
  return orphans.flat().filter(kill).length
}

/** Every process of a server works in its data directory. */
async function isServerProcess(id: string, directory: string): Promise<boolean> {
  const [works, program] = await Promise.all(['cwd', 'exe'].map((link) => linkOf(id, link)))
  return works === directory && /^postgres( \(deleted\))?$/.test(basename(program ?? ''))
}

async function linkOf(id: string, link: string): Promise<string | undefined> {
  try {
    return await readlink(join('/proc', id, link))
  } catch {
    // It has ended, or is somebody else's.
    return undefined
  }
}

function kill(pid: number): boolean {
  try {
    return process.kill(pid, 'SIGKILL')
  } catch {
    return false
  }
}
