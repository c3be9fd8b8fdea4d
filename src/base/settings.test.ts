import { describe, expect, it } from 'vitest'

import { readSettings, settingTable, settingVariable } from './settings.ts'
import type { SettingName } from './settings.ts'

describe('readSettings', () => {
  it('prefers flags to variables and variables to defaults', () => {
    const environment = { BIWA_PORT: '81', BIWA_HOST: '0.0.0.0', BIWA_LOG_LEVEL: '' }
    expect(readSettings({ port: '82' }, environment)).toMatchObject({ port: 82, host: '0.0.0.0', logLevel: 'warn' })
  })

  it('reads sizes, switches and lists', () => {
    const flags = { cacheBytes: '4GiB', queryMemoryBytes: '300MB', sample: 'no', roles: 'worker,api' }
    expect(readSettings(flags, {})).toMatchObject({
      cacheBytes: 4 * 2 ** 30,
      queryMemoryBytes: 300e6,
      sample: false,
      roles: ['api', 'worker'],
    })
    expect(readSettings({ concurrency: 'query=4, import=2' }, {}).concurrency).toEqual([
      { kind: 'query', concurrency: 4 },
      { kind: 'import', concurrency: 2 },
    ])
  })

  it.each([
    [{ port: 'eighty' }, '--port: “eighty” is not a whole number from 0 to 65535.'],
    [{ port: '65536' }, '--port: “65536” is not a whole number from 0 to 65535.'],
    [{ cacheBytes: '4 parsecs' }, '--cache-bytes: “4 parsecs” is not a size such as 512MB or 4GiB.'],
    [{ roles: 'api,king' }, '--roles: “king” is none of api, worker, scheduler.'],
    [{ concurrency: 'query=0' }, '--concurrency: “query=0” is not a kind and a number from 1 to 9999 such as query=4.'],
    [{ sample: 'perhaps' }, '--sample: “perhaps” is neither true nor false.'],
  ])('refuses %j with one sentence', (flags, sentence) => {
    expect(() => readSettings(flags, {})).toThrow(sentence)
  })

  it('names the variable where the value came from one', () => {
    expect(() => readSettings({}, { BIWA_PORT: '-1' })).toThrow('BIWA_PORT: “-1”')
  })

  it('gives every setting a flag of its own', () => {
    const names = Object.keys(settingTable) as SettingName[]
    expect(new Set(names.map(settingVariable)).size).toBe(names.length)
  })
})
