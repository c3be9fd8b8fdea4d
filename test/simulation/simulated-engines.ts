import type { EnginePool } from '../../src/base/engines/engines.ts'
import { AppError } from '../../src/base/errors.ts'
import { answerConversions } from '../../src/collect/convert/message.ts'
import { convertTask } from '../../src/collect/convert/tasks.ts'
import type { ConvertedBody, ConvertedFile, ConvertInput, ConvertOutput } from '../../src/collect/convert/tasks.ts'
import { mergeTask } from '../../src/store/merge/tasks.ts'
import type { MergeInput, MergeOutput } from '../../src/store/merge/tasks.ts'
import type { DiskImage } from '../support/disk-image.ts'
import type { Life, Timeline } from './timeline.ts'

/** A record of the simulation, one line of a body and of a chunk's file: its id, its time, and letters that make it longer. */
export interface SimulatedRecord {
  readonly id: string
  readonly time: number
  readonly line: string
}

export function simulatedRecord(id: string, time: number, padding: number): SimulatedRecord {
  return { id, time, line: `${id} ${time} ${letter.repeat(padding)};\n` }
}

const letter = 'x'
const wholeLine = /^(?<id>\d+\.\d+) (?<time>\d+) x*;$/

export function bytesOf(records: readonly SimulatedRecord[]): Buffer {
  let text = ''
  for (const { line } of records) text += line
  return Buffer.from(text, 'latin1')
}

/** Undefined where the bytes are not what somebody wrote. */
export function parseRecords(bytes: Buffer, from = 0, to = bytes.byteLength): SimulatedRecord[] | undefined {
  const text = bytes.toString('latin1', from, to)
  const records: SimulatedRecord[] = []
  for (let at = 0; at < text.length;) {
    const end = text.indexOf('\n', at) + 1
    const line = text.slice(at, end)
    const whole = wholeLine.exec(line.slice(0, -1))
    if (whole === null) return undefined
    records.push({ id: whole[1] as string, time: Number(whole[2]), line })
    at = end
  }
  return records
}

export interface SimulatedEnginesOptions {
  readonly timeline: Timeline
  readonly life: Life
  readonly image: DiskImage
  /** How long a task takes. */
  readonly taskMs: () => number
  /** Whether the process that does the task dies of it. */
  readonly dies: () => boolean
}

/**
 * Engine processes without DuckDB: files are lines of records. What they write is not synced, as with the real ones, and they
 * may die in the middle.
 */
export function simulatedEngines({ timeline, life, image, taskMs, dies }: SimulatedEnginesOptions): EnginePool {
  const answer = answerConversions(async (asked) => convert(image, asked))
  const context = { progress() {} }
  return {
    name: 'engines',
    start: async () => {},
    stop: async () => {},
    run<Output>(
      { kind, input }: { readonly kind: string; readonly input: unknown },
      { signal }: { signal?: AbortSignal },
    ) {
      return new Promise<Output>((resolve, reject) => {
        const onAbort = (): void => {
          cancel()
          reject(signal?.reason)
        }
        const work = (): void => {
          signal?.removeEventListener('abort', onAbort)
          if (dies()) return reject(new AppError('worker_lost', 'The simulated engine process died.'))
          try {
            if (kind === convertTask) resolve(answer(input as never, context) as Promise<Output>)
            else if (kind === mergeTask) resolve(merge(image, input as MergeInput) as Output)
            else reject(new Error(`nobody does ${kind}`))
          } catch (error) {
            reject(error)
          }
        }
        const cancel = timeline.after(taskMs(), life, work, 'own', kind)
        signal?.addEventListener('abort', onAbort)
      })
    },
  }
}

function convert(image: DiskImage, { bodies, directory }: ConvertInput): ConvertOutput {
  const records: SimulatedRecord[] = []
  const converted = bodies.map(({ path, offset, bytes }): ConvertedBody => {
    const own = parseRecords(image.at(path).seen, offset, offset + bytes)
    if (own === undefined) {
      const error = { code: 'body_malformed', message: 'The body is damaged.' } as const
      return { rows: 0, rejected: 0, rejectedRows: [], error }
    }
    records.push(...own)
    return { rows: own.length, rejected: 0, rejectedRows: [], error: null }
  })
  const file = records.length === 0 ? [] : [writeFile(image, `${directory}/part-0.parquet`, records)]
  return { files: file, newColumns: [], bodies: converted }
}

function writeFile(image: DiskImage, path: string, records: readonly SimulatedRecord[]): ConvertedFile {
  const body = bytesOf(records)
  image.write(image.open(path, 'create'), body, 0)
  const times = records.map(({ time }) => time)
  const timeRange = { from: Math.min(...times), to: Math.max(...times) + 1 }
  return { path, rows: records.length, bytes: body.byteLength, timeRange, statistics: {} }
}

/** Where one may, the first file stays as it is. */
function merge(image: DiskImage, { files: all, unchangedMax, directory }: MergeInput): MergeOutput {
  const unchanged = all.length > 2 && unchangedMax > 0 ? [0] : []
  const files = all.slice(unchanged.length)
  const records = files.flatMap(({ path }) => parseRecords(image.at(path).seen) ?? [])
  const rows = files.reduce((sum, file) => sum + file.rows, 0)
  // As the real one asserts: a merge loses nothing.
  if (records.length !== rows) throw new Error(`a merge of ${rows} rows found ${records.length}`)
  const file = writeFile(
    image,
    `${directory}/part-0.parquet`,
    records.toSorted((a, b) => a.time - b.time),
  )
  const { path, bytes, timeRange } = file
  const time = { bytes, nulls: 0, min: String(timeRange.from), max: String(timeRange.to - 1) }
  const written = { files: [{ path, rows, bytes, columns: { '"time"': time, time } }], fieldIds: [1] }
  return { joined: [], written: [written], unchanged }
}
