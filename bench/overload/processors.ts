import { processorTimes, spentBetween } from '../ingest/cpu.ts'

/** Cores that each kind of process of a server, and the one that loads it, kept busy on average until the work was over. */
export async function coresDuring(
  supervisor: number,
  loader: number,
  work: Promise<unknown>,
): Promise<Readonly<Record<string, number>>> {
  const [before, start] = [processorTimes(supervisor, loader), performance.now()]
  await work
  const seconds = (performance.now() - start) / 1000
  const spent = Object.entries(spentBetween(before, processorTimes(supervisor, loader)))
  return Object.fromEntries(
    spent.map(([kind, spentSeconds]) => [kind, Math.round((spentSeconds / seconds) * 100) / 100]),
  )
}
