import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { fingerprintOf, messagePattern } from './fingerprint.ts'

const print = (message: string) => fingerprintOf({ code: 'internal', message })

describe('the fingerprint of an error', () => {
  test('is the same whatever the numbers, names, ids and paths are', () => {
    const same = (a: string, b: string) => expect(messagePattern(a)).toBe(messagePattern(b))
    same('Job 7 took longer than its 1.5 s.', 'Job 81,230 took longer than its 3600 s.')
    same('The table "orders" is locked.', 'The table "my users" is locked.')
    same("Column 'a' isn't there.", "Column 'b c' isn't there.")
    same('Cannot read /var/lib/a.parquet: EIO', 'Cannot read /tmp/x/y/z-9.parquet: EIO')
    same('GET https://a.example/x?y=1 answered 503.', 'GET http://b.example:8040/ answered 500.')
    same('Chunk 0190a3b2-7c1d-7000-8000-00000000abcd is gone.', 'Chunk ffffffff-7c1d-7abc-9000-123456789abc is gone.')
    same('Object e3b0c44298fc1c14 differs.', 'Object 09afbf4c8996fb92427ae41e differs.')
    same('Bad byte 0x1f in shard17.', 'Bad byte 0xDEADBEEF in shard3.')
    same('The address 10.0.0.1:5432 refused.', 'The address 192.168.1.20:6543 refused.')
    same('Sizes 1, 2, 3.', 'Sizes 10, 20.')
  })

  test('keeps the words', () => {
    expect(messagePattern("The job's engine doesn't answer.")).toBe("The job's engine doesn't answer.")
    expect(messagePattern('The facade of a decade faded: cafe babe.')).toBe('The facade of a decade faded: cafe babe.')
    expect(print('The engine was killed.')).not.toBe(print('The engine stopped.'))
    expect(fingerprintOf({ code: 'worker_lost', message: 'Gone.' })).not.toBe(print('Gone.'))
  })

  test('is 12 hexadecimal digits of any message, however odd', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (message) => {
        expect(print(message)).toMatch(/^[0-9a-f]{12}$/)
        expect(print(message)).toBe(print(message))
      }),
    )
  })

  test('does not depend on what is filled in', () => {
    const word = fc.stringMatching(/^[a-z]{2,8}$/)
    const template = fc.array(fc.oneof(word, fc.constant(undefined)), { minLength: 1, maxLength: 12 })
    const filling = fc.oneof(
      fc.nat().map(String),
      fc.uuid(),
      fc.stringMatching(/^[a-z _.-]{0,12}$/).map((name) => `"${name}"`),
      fc.stringMatching(/^[a-z0-9/]{1,20}$/).map((path) => `/${path}`),
    )
    fc.assert(
      fc.property(template, fc.infiniteStream(filling), fc.infiniteStream(filling), (parts, one, other) => {
        const fill = (fillings: Iterator<string>) =>
          parts.map((part) => part ?? String(fillings.next().value)).join(' and ')
        expect(print(fill(one))).toBe(print(fill(other)))
      }),
    )
  })

  test('is quick for 400 kB of what looks like the beginning of something', () => {
    for (const piece of ['"', "'", 'a', '/', '1.', 'http://', '0x', 'abcdefab-', '“']) {
      expect(print(piece.repeat(400_000 / piece.length))).toMatch(/^[0-9a-f]{12}$/)
    }
  })
})
