import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

import { parse } from 'yaml'
import { z } from 'zod'

// How scenarios are written is told in README.md, beside this file.

const text = z.string()
const headers = z.record(text, z.union([text, z.null()]))

const request = z.strictObject({
  method: text.default('GET'),
  path: text,
  headers: headers.default({}),
  body: z.unknown().optional(),
  body_base64: text.optional(),
  body_form: z.record(text, z.unknown()).optional(),
  body_multipart: z.record(text, z.unknown()).optional(),
  body_msgpack: z.array(z.unknown()).optional(),
  body_msgpack_gz: z.array(z.unknown()).optional(),
  /** Announces no length. */
  chunked: z.boolean().default(false),
})

const answer = z.strictObject({
  status: z.number(),
  headers: headers.default({}),
  body: z.unknown().optional(),
  body_text: text.optional(),
  body_base64: text.optional(),
  body_msgpack: z.array(z.unknown()).optional(),
})

const step = z.strictObject({
  request,
  answer,
  /** Seconds: the request is repeated until the answer is this one. */
  repeat_until: z.number().optional(),
})

const file = z.strictObject({
  /** Of every request in the file that does not say otherwise. */
  headers: headers.default({}),
  stories: z.record(text, z.array(step).min(1)),
})

export type Request = z.infer<typeof request>
export type Answer = z.infer<typeof answer>
export type Step = z.infer<typeof step>

export interface Story {
  readonly name: string
  readonly steps: readonly Step[]
}

/** The stories of a folder, by the name of their file. Fails where a file is not as the README has it. */
export function readStories(folder: string): [file: string, stories: Story[]][] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
  return files.toSorted().map((name) => {
    const read = file.safeParse(parse(readFileSync(join(folder, name), 'utf8')))
    if (!read.success) throw new Error(`${name} is no file of scenarios: ${z.prettifyError(read.error)}`)
    const stories = Object.entries(read.data.stories).map(([story, steps]) => ({
      name: story,
      steps: steps.map((one) => ({
        ...one,
        request: { ...one.request, headers: { ...read.data.headers, ...one.request.headers } },
      })),
    }))
    return [name, stories]
  })
}
