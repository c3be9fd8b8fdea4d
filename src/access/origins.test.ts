import fc from 'fast-check'
import { describe, expect, it } from 'vitest'

import { opensFor, requireOrigins } from './origins.ts'

describe('the origins of a key', () => {
  it('are kept as browsers send them', () => {
    const given = ['https://Shop.Example.com/', 'https://shop.example.com', 'http://localhost:3000', 'https://a.b:443']
    expect(requireOrigins('import', given)).toEqual([
      'https://shop.example.com',
      'http://localhost:3000',
      'https://a.b',
    ])
  })

  it.each(['', '*', 'https://*', 'example.com', 'https://a.b/path', 'https://*.*.b', 'file://x', 'https://a.b:99999'])(
    'cannot be “%s”',
    (origin) => {
      expect(() => requireOrigins('import', [origin])).toThrow('is not an origin')
    },
  )

  it('are for keys that can only write, and not for too many pages', () => {
    expect(() => requireOrigins('full', ['https://a.b'])).toThrow('cannot be bound')
    expect(requireOrigins('full', [])).toEqual([])
    const many = Array.from({ length: 51 }, (_, index) => `https://a${index}.b`)
    expect(() => requireOrigins('import', many)).toThrow('can be bound to 50 origins')
  })

  it.each([
    ['https://a.example.com', true],
    ['https://b.a.example.com', true],
    ['https://example.com', false],
    ['https://.example.com', false],
    ['http://a.example.com', false],
    ['https://a.example.com:8443', false],
    ['https://example.com.evil.org', false],
    ['https://evilexample.com', false],
    [undefined, false],
  ])('below https://*.example.com: %s is %s', (origin, opens) => {
    expect(opensFor(['https://*.example.com'], origin)).toBe(opens)
  })

  it('stand for themselves', () => {
    const host = fc.stringMatching(/^[a-z][a-z0-9]{0,8}(\.[a-z]{2,5}){1,3}$/)
    fc.assert(
      fc.property(host, host, (one, other) => {
        const origins = requireOrigins('import', [`https://${one}`])
        expect(opensFor(origins, `https://${one}`)).toBe(true)
        expect(opensFor(origins, `https://${other}`)).toBe(one === other)
        expect(opensFor(origins, `https://x.${one}`)).toBe(false)
      }),
    )
  })
})
