import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { exactJson, storedJson } from './stored-json.ts'

describe('JSON for a jsonb column', () => {
  test('is null for undefined', () => {
    expect(storedJson(undefined)).toBeNull()
    expect(exactJson('input', undefined)).toBe('null')
  })

  test('replaces what jsonb cannot hold, in names and values, and nothing that only looks like it', () => {
    const text = storedJson({ 'a\0': 'x\0y', half: '\ud800!', whole: '😀', quoted: String.raw`\u0000 \ud800` })
    expect(JSON.parse(text ?? '')).toEqual({
      'a\ufffd': 'x\ufffdy',
      half: '\ufffd!',
      whole: '😀',
      quoted: String.raw`\u0000 \ud800`,
    })
  })

  test('refuses input that would change', () => {
    expect(() => exactJson('input', { sql: 'select \0' })).toThrow('NUL character')
    expect(exactJson('input', { sql: String.raw`select '\u0000'` })).toContain('u0000')
  })

  test('keeps well-formed texts exactly', () => {
    const anyText = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'))
    fc.assert(
      fc.property(anyText, (text) => {
        expect(JSON.parse(exactJson('input', { text }))).toEqual({ text })
      }),
    )
  })
})
