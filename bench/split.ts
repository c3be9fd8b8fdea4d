import { splitLimits } from '../src/collect/limits.ts'
import { createSplitter } from '../src/collect/split/split.ts'
import type { Splitter } from '../src/collect/split/splitter.ts'
import { builtLane } from './native-modules.ts'
import { plainBody } from './ingest/shapes.ts'
import type { Shape, WireFormat } from './ingest/shapes.ts'
import type { Options } from './options.ts'
import { mapped } from './outcome.ts'
import type { Outcome } from './outcome.ts'
import { median } from './store/rows.ts'

/**
 * The splitter on one core, with its lane in WebAssembly and in JavaScript and with the tape alone, beside `JSON.parse` of the same
 * records as lines: the bare library, which builds objects and no columns. They take turns, and what counts is the time of the
 * processor, because machines are shared.
 */
export async function run(options: Options): Promise<Outcome> {
  const rounds = options.number('rounds')
  const result: Record<string, ReturnType<typeof measured>> = {}
  for (const shape of options.list('shape') as Shape[]) {
    const records = Number(options.given('records') ?? (shape === 'narrow' ? 20_000 : 5000))
    const figures = measured(shape, records, rounds)
    result[shape] = figures
    console.log(`${shape}, ${records} records, µs of CPU a record, the least of ${rounds} rounds and their median`)
    for (const [name, { least, middle, megabytes }] of Object.entries(figures)) {
      const rate = `${Math.round(1000 / least)} k records and ${Math.round(megabytes / least)} MB in a CPU second`
      console.log(`  ${name.padEnd(20)} ${least.toFixed(2).padStart(6)} ${middle.toFixed(2).padStart(6)}  ${rate}`)
    }
  }
  const rows = (of: 'least' | 'middle') => mapped(result, (contenders) => mapped(contenders, (figures) => figures[of]))
  const section = { kind: 'amounts', unit: 'µs of CPU a record', better: 'less', yardstick: 'JSON.parse' } as const
  return {
    figures: result,
    sections: [
      { ...section, title: `The least of ${rounds} rounds`, rows: rows('least') },
      { ...section, title: 'The median', rows: rows('middle') },
    ],
  }
}

function measured(shape: Shape, records: number, rounds: number) {
  const bodies = {
    msgpack: plainBody(shape, 'msgpack', 0, records, 1_700_000_000).bytes,
    ndjson: plainBody(shape, 'ndjson', 0, records, 1_700_000_000).bytes,
  }
  const [lane, tape] = [createSplitter(), createSplitter({ usesLane: false })]
  const native = createSplitter({ native: builtLane() })
  const contenders: Record<string, { bytes: Buffer; work: () => number }> = {}
  for (const format of ['msgpack', 'ndjson'] as const) {
    const bytes = bodies[format]
    const known = split(lane, bytes, format, []).columns.filter(({ name }) => name !== 'time')
    contenders[`${format}, native`] = { bytes, work: () => split(native, bytes, format, known).rows }
    contenders[format] = { bytes, work: () => split(lane, bytes, format, known).rows }
    contenders[`${format}, tape only`] = { bytes, work: () => split(tape, bytes, format, known).rows }
  }
  contenders['JSON.parse'] = { bytes: bodies.ndjson, work: () => parseLines(bodies.ndjson) }
  const seen = new Map(Object.keys(contenders).map((name) => [name, [] as number[]]))
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, { work }] of Object.entries(contenders)) {
      const before = process.cpuUsage()
      if (work() !== records) throw new Error('records were lost')
      const { user, system } = process.cpuUsage(before)
      seen.get(name)?.push((user + system) / records)
    }
  }
  return Object.fromEntries(
    Object.entries(contenders).map(([name, { bytes }]) => {
      const micros = seen.get(name) ?? []
      return [name, { least: Math.min(...micros), middle: median(micros), megabytes: bytes.byteLength / records }]
    }),
  )
}

function split(splitter: Splitter, bytes: Buffer, format: WireFormat, known: Parameters<Splitter['split']>[1]) {
  const body = { bytes, format, timeColumn: null, receivedAtUs: 1_700_000_000_000_000 }
  return splitter.split([body], known, splitLimits)
}

function parseLines(bytes: Buffer): number {
  let count = 0
  for (const line of bytes.toString().split('\n')) if (line !== '' && typeof JSON.parse(line) === 'object') count++
  return count
}
