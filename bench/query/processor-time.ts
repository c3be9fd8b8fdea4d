import { readFileSync, readdirSync } from 'node:fs'

/** Of all that this process started, however deep, with what has ended since: milliseconds on any core. Null but on Linux. */
export function processorMsOfChildren(): number | null {
  if (process.platform !== 'linux') return null
  const processes = new Map(readdirSync('/proc').flatMap((name) => statOf(name)))
  const isOurs = (id: number): boolean => {
    const parent = processes.get(id)?.parent
    return parent !== undefined && (parent === process.pid || isOurs(parent))
  }
  const ours = [...processes].filter(([id]) => isOurs(id))
  return ours.reduce((sum, [, { ms }]) => sum + ms, 0)
}

/** Linux counts in hundredths of a second, whatever its own clock does. */
const msPerTick = 10

function statOf(name: string): [number, { readonly parent: number; readonly ms: number }][] {
  if (!/^\d+$/.test(name)) return []
  try {
    // The second field is the name, in parentheses, and may have anything in it.
    const fields = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? []
    const ticks = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0)
    return [[Number(name), { parent: Number(fields[1]), ms: ticks * msPerTick }]]
  } catch {
    // It ended meanwhile.
    return []
  }
}
