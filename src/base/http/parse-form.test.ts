import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { isAppError } from '../errors.ts'
import { formFieldsMax, jsonDepthMax, parseForm } from './parse-form.ts'

const urlEncoded = 'application/x-www-form-urlencoded'
const boundary = 'limit-of-a-part'
const multipart = `multipart/form-data; boundary=${boundary}`

// Lone surrogates have no form in UTF-8, which all three encodings are.
const text = fc.string({ unit: 'grapheme' })
const fields = fc.uniqueArray(fc.tuple(text, text), { selector: ([name]) => name, maxLength: 20 })

/** As browsers and Python's urllib3 write it: what would end the name early is escaped. */
function multipartOf(entries: readonly (readonly [string, string])[], fileName?: string): Buffer {
  const file = fileName === undefined ? '' : `; filename="${fileName}"`
  const parts = entries.map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n${value}\r\n`,
  )
  return Buffer.from(`${parts.join('')}--${boundary}--\r\n`)
}

async function codeOf(contentType: string, body: string | Buffer): Promise<string> {
  try {
    await parseForm(contentType, Buffer.from(body))
    return 'parsed'
  } catch (error) {
    if (isAppError(error)) return error.code
    throw error
  }
}

describe('a form', () => {
  it('is what was sent as JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (entries) => {
        const sent = Object.fromEntries(entries)
        const form = await parseForm('application/json; charset=utf-8', Buffer.from(JSON.stringify(sent)))
        expect(Object.entries(form.fields)).toEqual(Object.entries(sent))
        expect(form.json).toEqual(sent)
      }),
    )
  })

  it('has the values of JSON as text, and keeps the JSON', async () => {
    const body = { priority: -1, wanted: true, none: null, schema: [['a', 'long']], __proto__: 'x' }
    const bytes = Buffer.from('{"priority":-1,"wanted":true,"none":null,"schema":[["a","long"]],"__proto__":"x"}')
    const { fields: read, json } = await parseForm('application/vnd.any+json', bytes)
    expect(read).toMatchObject({ priority: '-1', wanted: 'true', schema: '[["a","long"]]' })
    expect(Object.keys(read)).toEqual(['priority', 'wanted', 'schema', '__proto__'])
    expect(json).toMatchObject({ schema: body.schema, none: null })
    expect(await parseForm('application/json', Buffer.from('[1]'))).toEqual({ fields: {}, json: [1] })
  })

  it('is what was sent url-encoded', async () => {
    await fc.assert(
      fc.asyncProperty(fields, async (entries) => {
        const form = await parseForm(urlEncoded, Buffer.from(new URLSearchParams(entries).toString()))
        expect(Object.entries(form.fields)).toEqual(Object.entries(Object.fromEntries(entries)))
      }),
    )
  })

  it('is what was sent as multipart, whatever lines are in the values', async () => {
    const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_.-]{0,40}$/)
    const value = text.filter((candidate) => !candidate.includes(boundary))
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.tuple(name, value), { selector: ([key]) => key, maxLength: 20 }),
        fc.option(fc.constant('blob'), { nil: undefined }),
        async (entries, fileName) => {
          const form = await parseForm(multipart, multipartOf(entries, fileName))
          expect(Object.entries(form.fields)).toEqual(Object.entries(Object.fromEntries(entries)))
        },
      ),
    )
  })

  it('may be no body at all, whatever the header says', async () => {
    for (const type of [undefined, 'application/json', multipart, 'text/plain'])
      expect(await parseForm(type, Buffer.alloc(0))).toEqual({ fields: {}, json: undefined })
  })

  it('counts the last of repeated values', async () => {
    expect((await parseForm(urlEncoded, Buffer.from('a=1&a=2'))).fields).toEqual({ a: '2' })
    expect(
      (
        await parseForm(
          multipart,
          multipartOf([
            ['a', '1'],
            ['a', '2'],
          ]),
        )
      ).fields,
    ).toEqual({ a: '2' })
  })

  it('is refused where it is not what it says', async () => {
    expect(await codeOf('application/json', '{')).toBe('invalid_request')
    expect(await codeOf('multipart/form-data', 'a=1')).toBe('invalid_request')
    expect(await codeOf(multipart, multipartOf([['a', '1']]).subarray(0, -10))).toBe('invalid_request')
    expect(await codeOf('text/plain', 'a=1')).toBe('unsupported_format')
    expect(await codeOf('', 'a=1')).toBe('unsupported_format')
  })

  it('is refused beyond its limits', async () => {
    const many = (count: number) => Array.from({ length: count }, (_, index) => [`f${index}`, ''] as const)
    expect(
      await codeOf(
        urlEncoded,
        many(formFieldsMax)
          .map(([name]) => `${name}=`)
          .join('&'),
      ),
    ).toBe('parsed')
    const tooMany = many(formFieldsMax + 1)
    expect(await codeOf(urlEncoded, tooMany.map(([name]) => `${name}=`).join('&'))).toBe('body_too_large')
    expect(await codeOf('application/json', JSON.stringify(Object.fromEntries(tooMany)))).toBe('body_too_large')
    expect(await codeOf(multipart, multipartOf(tooMany))).toBe('body_too_large')
    const nested = (depth: number) => `{"a":${'['.repeat(depth - 1)}${']'.repeat(depth - 1)},"b":"[[\\"[["}`
    expect(await codeOf('application/json', nested(jsonDepthMax))).toBe('parsed')
    expect(await codeOf('application/json', nested(jsonDepthMax + 1))).toBe('invalid_request')
    expect(await codeOf('application/json', '['.repeat(1_000_000))).toBe('invalid_request')
  })

  it('is parsed or refused, whatever its bytes are', async () => {
    const whole = multipartOf([
      ['a', '1'],
      ['b', '2'],
    ])
    const mutated = fc
      .tuple(fc.nat(whole.length - 1), fc.uint8Array({ maxLength: 8 }), fc.nat(whole.length))
      .map(([at, bytes, to]) => Buffer.concat([whole.subarray(0, at), bytes, whole.subarray(Math.max(at, to))]))
    const bytes = fc.oneof(mutated, fc.uint8Array({ maxLength: 200 }))
    await fc.assert(
      fc.asyncProperty(bytes, fc.constantFrom(multipart, urlEncoded, 'application/json'), async (body, type) => {
        const expected = ['parsed', 'invalid_request', 'body_too_large']
        expect(expected).toContain(await codeOf(type, Buffer.from(body)))
      }),
      { numRuns: 500 },
    )
  })
})
