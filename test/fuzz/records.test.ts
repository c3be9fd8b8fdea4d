import { expect, it, describe } from 'vitest'

import { csvLines } from '../../src/collect/convert/csv.ts'
import { splitLimits } from '../../src/collect/limits.ts'
import { createSplitter } from '../../src/collect/split/split.ts'
import type { SplitFormat } from '../../src/collect/split/splitter.ts'
import { batchesByTable, bareEvents, listedEvents } from '../../src/protocols/events/envelope.ts'
import { decodeBase64, jsonText } from '../../src/protocols/events/read-text.ts'
import * as captures from './captures.ts'
import { mutated } from './mutations.ts'
import { answersOrRefuses, bounded, fuzz, timeout } from './until-time-is-up.ts'

// Decoders of records, and of the events of pages and apps.

describe('the splitter', () => {
  const splitter = createSplitter()
  const formats: readonly (readonly [SplitFormat, readonly Buffer[]])[] = [
    ['ndjson', captures.ndjson],
    ['json', captures.jsonDocuments],
    ['msgpack', captures.msgpack],
  ]

  it.each(formats)(
    'reads or rejects every record of %s, and has no more of them than bytes',
    (format, examples) => {
      fuzz(mutated(examples), (bytes) => {
        const body = { bytes, format, timeColumn: null, receivedAtUs: 0 }
        const { rows, rejected, bodies } = bounded(() => splitter.split([body], [], splitLimits))
        expect(bodies).toEqual([{ rows, rejected: rejected.length }])
        expect(rows + rejected.length).toBeLessThanOrEqual(bytes.byteLength)
        for (const { byteOffset, raw } of rejected) {
          expect(byteOffset + raw.byteLength).toBeLessThanOrEqual(bytes.byteLength)
        }
      })
    },
    timeout,
  )
})

it(
  'the reader of CSV takes every record apart or rejects it',
  () => {
    fuzz(mutated(captures.csv), (bytes) =>
      answersOrRefuses(() => {
        const lines = csvLines(bytes, ',')
        expect(lines.starts.length + lines.rejected.length).toBeLessThanOrEqual(bytes.byteLength)
      }),
    )
  },
  timeout,
)

it(
  'envelopes of events are taken apart or refused, as text and as base64',
  () => {
    fuzz(mutated(captures.events), (bytes) => {
      for (const read of [listedEvents, bareEvents, batchesByTable]) {
        answersOrRefuses(() => void read(jsonText(bytes)))
        answersOrRefuses(() => void read(jsonText(decodeBase64(bytes.toString('base64').slice(1)))))
      }
    })
  },
  timeout,
)
