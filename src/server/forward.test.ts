import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'

import { afterAll, expect, it } from 'vitest'

import { readSettings } from '../base/settings.ts'
import { forwardSettings } from './forward.ts'

const folder = mkdtempSync(join(tmpdir(), 'biwa-forward-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const pem = (name: string): string => resolve(import.meta.dirname, '../protocols/fluent/testing/tls', name)

it('lets nobody be meant by a port that nobody may send to', () => {
  const read = (flags: Parameters<typeof readSettings>[0]) => () => forwardSettings(readSettings(flags, {}))
  expect(read({})).toThrow(/Nobody may send/)
  expect(read({ fluentApiKey: '1/abc' })).not.toThrow()
  expect(read({ fluentSharedKey: 'secret' })).not.toThrow()
})

it('takes rules and routes from the configuration file, and says what is wrong with it', () => {
  const fluentConfiguration = join(folder, 'fluent.toml')
  const read = (text: string) => {
    writeFileSync(fluentConfiguration, text)
    return forwardSettings(readSettings({ fluentConfiguration }, {}))
  }
  const { routeOf, ruleFor, tls } = read(`
    [[networks]]
    network = "10.0.0.0/8"
    api_key = "1/abc"
    [[routes]]
    tags = "a.**"
    table = "b.c"
  `)
  expect(routeOf('a.x')).toEqual({ database: 'b', table: 'c' })
  expect(ruleFor('10.1.1.1')?.apiKey).toBe('1/abc')
  expect(ruleFor('11.1.1.1')).toBeUndefined()
  expect(tls).toBeUndefined()
  expect(() => read('[[networks]]\nnetwork = "ten"\napi_key = "1/abc"')).toThrow(/fluent\.toml.*no network/s)
  expect(() => forwardSettings(readSettings({ fluentConfiguration: join(folder, 'none') }, {}))).toThrow(/none/)
})

it('asks clients for certificates only where there is an authority', () => {
  const fluentTlsCertificate = pem('certificate.pem')
  const flags = { fluentApiKey: '1/abc', fluentTlsCertificate, fluentTlsKey: pem('key.pem') }
  const plain = forwardSettings(readSettings(flags, {})).tls
  expect(plain?.requestCert).toBeUndefined()
  const asking = forwardSettings(readSettings({ ...flags, fluentTlsClientAuthority: fluentTlsCertificate }, {})).tls
  expect(asking?.requestCert).toBe(true)
  expect(() => forwardSettings(readSettings({ fluentApiKey: '1/abc', fluentTlsCertificate }, {}))).toThrow(
    /only with --fluent-tls-key/,
  )
})
