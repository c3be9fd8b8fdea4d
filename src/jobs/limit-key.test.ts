import fc from 'fast-check'
import { describe, expect, test } from 'vitest'

import { isAppError } from '../base/errors.ts'
import { laneOf } from './lanes.ts'
import { parseLimitKey } from './limit-key.ts'

describe('the key of a limit', () => {
  test.each([
    ['account:1', 1],
    ['kind:query', null],
    ['account:12/kind:query', 12],
    ['workgroup:1/etl', 1],
    ['workgroup:1/night shift/a', 1],
    ['resource:1/redshift', 1],
    ['resource:0/disk', null],
  ])('%s is one', (key, accountId) => {
    expect(parseLimitKey(key)).toEqual({ key, accountId })
  })

  test.each([
    '',
    'account',
    'account:',
    'account:0',
    'account:01',
    'account:-1',
    'account:1/',
    'account:1/kind:',
    'account:1/query',
    'account:99999999999999999',
    'kind:',
    'kind:a/b',
    'kind:a b',
    'workgroup:etl',
    'workgroup:0/etl',
    'workgroup:1/ ',
    'workgroup:1/a\n',
    'resource:1',
    `resource:1/${'x'.repeat(129)}`,
    'resource:1/\0',
    'pool:1/x',
    'Account:1',
  ])('%j is none', (key) => {
    expect(() => parseLimitKey(key)).toThrow(/is not the key of a limit/)
  })

  test('is each of those by which lanes are counted', () => {
    const name = fc.stringMatching(/^[a-z][a-z0-9_.-]{0,20}$/)
    fc.assert(
      fc.property(
        fc.record({ kind: name, accountId: fc.option(fc.integer({ min: 1, max: 1e9 })), workgroup: name }),
        fc.dictionary(name, fc.integer({ min: 1, max: 9 }), { maxKeys: 4 }),
        (facts, resources) => {
          for (const key of laneOf({ ...facts, resources }).limitKeys) {
            expect([facts.accountId, null]).toContain(parseLimitKey(key).accountId)
          }
        },
      ),
    )
  })

  test('is refused as a bad request, whatever it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (key) => {
        try {
          parseLimitKey(key)
        } catch (error) {
          expect(isAppError(error, 'invalid_request')).toBe(true)
        }
      }),
    )
  })
})
