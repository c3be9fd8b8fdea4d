import type { Layer, TimeRange } from '../store.ts'
import { hourSeconds, mergeRules as rules } from './rules.ts'

/** What the planning of merges looks at. */
export interface MergeableChunk {
  readonly id: string
  readonly layer: Layer
  readonly timeRange: TimeRange
  readonly rows: number
  readonly bytes: number
  readonly createdAt: Date
  readonly sortedBy?: readonly number[]
}

/** Some chunks of a table that become fewer, larger ones. */
export interface Merge<C extends MergeableChunk = MergeableChunk> {
  /** Where the new chunks belong. */
  readonly layer: Layer
  readonly inputs: readonly C[]
  /** How many of the inputs may stay as they are, where to write them anew would bring nothing; none by default. */
  readonly unchangedMax?: number
}

/**
 * Minor merges: realtime chunks of about one size become one of the next, like the levels of a log-structured merge tree
 * (O'Neil et al. 1996; size-tiered as in Bigtable and Cassandra). Those that came one after the other go together.
 */
export function planMinorMerges<C extends MergeableChunk>(chunks: readonly C[]): Merge<C>[] {
  const tiers = new Map<number, C[]>()
  for (const chunk of chunks.toSorted((a, b) => a.createdAt.getTime() - b.createdAt.getTime())) {
    if (chunk.layer !== 'realtime' || chunk.bytes >= rules.realtimeBytesMax) continue
    const tier = rules.tierBytes.filter((bytes) => chunk.bytes > bytes).length
    tiers.set(tier, [...(tiers.get(tier) ?? []), chunk])
  }
  return [...tiers.values()]
    .filter((tier) => tier.length >= rules.fanIn)
    .flatMap((tier) => batches(tier, rules.archiveBytesMax))
    .filter((inputs) => inputs.length > 1)
    .map((inputs) => ({ layer: 'realtime', inputs, unchangedMax: rules.unchangedMax }))
}

/**
 * Large realtime chunks of one hour that are in order already belong to the archive as they are: writing them anew would bring
 * nothing. `order` are the field ids that archive chunks of the table are sorted by.
 */
export function planPromotions<C extends MergeableChunk>(
  chunks: readonly C[],
  nowMs: number,
  order: readonly number[],
): C[] {
  return settled(chunks, nowMs).filter(({ bytes, timeRange: { from, to }, sortedBy }) => {
    const isOfOneHour = Math.floor(from / hourSeconds) === Math.floor((to - 1) / hourSeconds)
    return bytes >= rules.archiveBytesMin && isOfOneHour && sortedBy?.join() === order.join()
  })
}

/**
 * Major merges: realtime chunks whose first hour is over become chunks of the archive. Nothing is due until one of them has
 * been there for a while; then all go that can. A chunk with rows of hours to come goes as a whole, so that a wrong clock
 * somewhere cannot keep the others' rows out of the archive.
 */
export function planMajorMerges<C extends MergeableChunk>(chunks: readonly C[], nowMs: number): Merge<C>[] {
  return batches(inOrderOfTime(settled(chunks, nowMs))).map((inputs) => ({ layer: 'archive', inputs }))
}

function settled<C extends MergeableChunk>(chunks: readonly C[], nowMs: number): C[] {
  const over = chunks.filter(({ layer, timeRange }) => layer === 'realtime' && timeRange.from < openHour(nowMs))
  return over.some(({ createdAt }) => createdAt.getTime() <= nowMs - rules.settledMs) ? over : []
}

/** When the hour began that is not over yet, in unix seconds. */
export function openHour(nowMs: number): number {
  return Math.floor(nowMs / 1000 / hourSeconds) * hourSeconds
}

/**
 * Merges within the archive: late rows into the large chunk that they belong to, and small chunks with those beside them.
 * A row is written anew only into a file several times as large as the one it was in.
 */
export function planArchiveMerges<C extends MergeableChunk>(chunks: readonly C[]): Merge<C>[] {
  const archive = inOrderOfTime(chunks.filter(({ layer }) => layer === 'archive'))
  const large = archive.filter(({ bytes }) => bytes >= rules.archiveBytesMin)
  const late = lateMerges(
    large,
    archive.filter(({ bytes }) => bytes < rules.archiveBytesMin),
  )
  const taken = new Set(late.flatMap(({ inputs }) => inputs.map(({ id }) => id)))
  const runs = neighbours(archive.filter(({ id }) => !taken.has(id)))
  return [...late, ...runs.flatMap((run) => neighbourMerges(run))]
}

/** A small chunk belongs to the large one that it has most time in common with. */
function lateMerges<C extends MergeableChunk>(large: readonly C[], small: readonly C[]): Merge<C>[] {
  const late = new Map<C, C[]>()
  for (const chunk of small) {
    const owner = mostOverlapping(large, chunk)
    if (owner !== undefined) late.set(owner, [...(late.get(owner) ?? []), chunk])
  }
  return [...late]
    .filter(([owner, chunks]) => {
      return chunks.length >= rules.archiveFanIn || bytesOf(chunks) >= owner.bytes * rules.lateShare
    })
    .map(([owner, chunks]) => ({ layer: 'archive', inputs: [owner, ...chunks.slice(0, rules.inputsMax - 1)] }))
}

function mostOverlapping<C extends MergeableChunk>(large: readonly C[], chunk: C): C | undefined {
  let most: { owner: C; seconds: number } | undefined
  for (const owner of large) {
    const seconds =
      Math.min(owner.timeRange.to, chunk.timeRange.to) - Math.max(owner.timeRange.from, chunk.timeRange.from)
    if (seconds > 0 && seconds > (most?.seconds ?? 0)) most = { owner, seconds }
  }
  return most?.owner
}

/** Small chunks with no large one between them. */
function neighbours<C extends MergeableChunk>(archive: readonly C[]): C[][] {
  const runs: C[][] = [[]]
  for (const chunk of archive) {
    if (chunk.bytes < rules.archiveBytesMin) runs.at(-1)?.push(chunk)
    else runs.push([])
  }
  return runs
}

/** From the smallest size up, so that a few bytes are not merged with many again and again. */
function neighbourMerges<C extends MergeableChunk>(run: readonly C[]): Merge<C>[] {
  const taken = new Set<C>()
  const merges: Merge<C>[] = []
  for (let bytesMax = 64 * 1024; bytesMax < rules.archiveBytesMin * 8; bytesMax *= 8) {
    let group: C[] = []
    const close = () => {
      if (group.length >= rules.archiveFanIn) {
        for (const chunk of group) taken.add(chunk)
        merges.push(...batches(group).map((inputs) => ({ layer: 'archive' as const, inputs })))
      }
      group = []
    }
    for (const chunk of run) {
      if (!taken.has(chunk) && chunk.bytes < bytesMax) group.push(chunk)
      else close()
    }
    close()
  }
  return merges.filter(({ inputs }) => inputs.length > 1)
}

/** Cuts what one merge could not take in. */
function batches<C extends MergeableChunk>(chunks: readonly C[], bytesMax: number = rules.inputBytesMax): C[][] {
  const cut: C[][] = []
  let bytes = 0
  for (const chunk of chunks) {
    const last = cut.at(-1)
    const isFull = last === undefined || last.length >= rules.inputsMax || bytes + chunk.bytes > bytesMax
    if (isFull) {
      cut.push([chunk])
      bytes = chunk.bytes
    } else {
      last.push(chunk)
      bytes += chunk.bytes
    }
  }
  return cut
}

function inOrderOfTime<C extends MergeableChunk>(chunks: readonly C[]): C[] {
  return chunks.toSorted((a, b) => a.timeRange.from - b.timeRange.from || a.timeRange.to - b.timeRange.to)
}

function bytesOf(chunks: readonly MergeableChunk[]): number {
  return chunks.reduce((sum, { bytes }) => sum + bytes, 0)
}
