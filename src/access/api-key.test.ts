import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { systemRandomness } from '../base/randomness.ts'
import { hashKey, mintKey } from './api-key.ts'

describe('an API key', () => {
  test('names its account and carries 256 bits of secret', () => {
    const { key, hint } = mintKey(17, systemRandomness)
    expect(key).toMatch(/^17\/[0-9a-f]{64}$/)
    expect(key.endsWith(hint)).toBe(true)
    expect(hint).toHaveLength(4)
  })

  test('is found by its hash, and only under its own account', () => {
    const { key, sha256 } = mintKey(17, systemRandomness)
    expect(hashKey(key)).toEqual(sha256)
    expect(hashKey(key.replace('17/', '18/'))).not.toEqual(sha256)
    expect(hashKey(key.replace('17/', '017/'))).not.toEqual(sha256)
    expect(hashKey(key.toUpperCase())).not.toEqual(sha256)
  })

  test('may be any text when it is hashed', () => {
    fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => hashKey(text).length === 32))
  })
})
