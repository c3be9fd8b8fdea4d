import { chmodSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

import { afterEach, beforeEach, describe, expect, test } from 'vitest'

import { readLayers } from './config-layers.ts'
import type { ConnectionFlags } from './config-layers.ts'
import { defaultUrl, resolveConfig } from './config.ts'
import { saveProfile } from './save-profile.ts'
import { fakeTerminal } from './testing/fake-terminal.ts'

let directory: string
beforeEach(() => (directory = mkdtempSync(join(tmpdir(), 'biwa-config-'))))
afterEach(() => rmSync(directory, { recursive: true, force: true }))

function put(name: string, text: string): void {
  mkdirSync(join(directory, name, '..'), { recursive: true })
  writeFileSync(join(directory, name), text)
}

const profiles = '.config/biwa/config.toml'

async function resolved(flags: ConnectionFlags = {}, environment: Record<string, string> = {}) {
  const terminal = fakeTerminal({ workingDirectory: directory, environment })
  return resolveConfig(await readLayers(terminal, flags))
}

describe('precedence', () => {
  // The strongest first. Taking the first away must make the next one win.
  const flags = { url: 'http://flag:1', apiKey: 'flag-key', database: 'flag_db' }
  const environment = { BIWA_URL: 'http://env:1', BIWA_API_KEY: 'env-key', BIWA_DATABASE: 'env_db' }

  test('goes from flags to variables to project to profile to data directory to td', async () => {
    const td = { TD_API_SERVER: 'https://td:1', TD_API_KEY: 'td-key' }
    put('biwa-data/credentials.json', '{"url":"http://data:1","api_key":"data-key"}')
    put(profiles, '[default]\nurl = "http://profile:1"\napi_key = "profile-key"\ndatabase = "profile_db"\n')
    put('biwa.toml', 'url = "http://project:1"\napi_key = "project-key"\ndatabase = "project_db"\n')

    const seen = async (given: ConnectionFlags, variables: Record<string, string>) => {
      const { url, apiKey, database } = await resolved(given, { ...td, ...variables })
      return [url.value, apiKey?.value, database?.value]
    }
    expect(await seen(flags, environment)).toEqual(['http://flag:1', 'flag-key', 'flag_db'])
    expect(await seen({}, environment)).toEqual(['http://env:1', 'env-key', 'env_db'])
    expect(await seen({}, {})).toEqual(['http://project:1', 'project-key', 'project_db'])
    rmSync(join(directory, 'biwa.toml'))
    expect(await seen({}, {})).toEqual(['http://profile:1', 'profile-key', 'profile_db'])
    rmSync(join(directory, profiles))
    expect(await seen({}, {})).toEqual(['http://data:1', 'data-key', undefined])
    rmSync(join(directory, 'biwa-data'), { recursive: true })
    expect(await seen({}, {})).toEqual(['https://td:1', 'td-key', undefined])
  })

  test('is decided for each setting alone, and knows the origin', async () => {
    put('biwa.toml', 'database = "logs"\n')
    const { url, apiKey, database } = await resolved({ url: 'example.com/' }, environment)
    expect(url).toEqual({ value: 'http://example.com', origin: 'the command line' })
    expect(apiKey).toEqual({ value: 'env-key', origin: 'BIWA_API_KEY' })
    expect(database).toEqual({ value: 'env_db', origin: 'BIWA_DATABASE' })
    expect((await resolved()).database).toEqual({ value: 'logs', origin: './biwa.toml' })
    expect((await resolved()).url).toEqual({ value: defaultUrl, origin: 'default' })
  })

  test('lets an empty variable count as none', async () => {
    expect((await resolved({}, { BIWA_URL: '' })).url.origin).toBe('default')
  })
})

describe('a key that is kept for one server', () => {
  test('is not sent to another that a project names', async () => {
    put(profiles, '[default]\nurl = "http://home:1"\napi_key = "secret"\n')
    put('biwa.toml', 'url = "http://elsewhere:1"\n')
    const config = await resolved()
    expect(config.apiKey).toBeUndefined()
    expect(config.passedOver.join()).toContain('http://home:1')
    put('biwa.toml', 'url = "http://home:1/"\n')
    expect((await resolved()).apiKey?.value).toBe('secret')
  })

  test('is not sent to another when it lies in a data directory, or belongs to td', async () => {
    put('biwa-data/credentials.json', '{"url":"http://127.0.0.1:8040","api_key":"local"}')
    const td = { TD_API_SERVER: 'https://td:1', TD_API_KEY: 'td-key' }
    expect((await resolved({ url: 'http://other:1' }, td)).apiKey).toBeUndefined()
    expect((await resolved({ url: 'http://127.0.0.1:8040' }, td)).apiKey?.value).toBe('local')
    expect((await resolved({}, { TD_API_KEY: 'td-key', BIWA_DATA_DIR: 'none' })).apiKey).toBeUndefined()
  })
})

describe('profiles', () => {
  test('are chosen by name, and an unknown name is a mistake', async () => {
    put(profiles, '[default]\nurl = "http://a:1"\n[work]\nurl = "http://b:1"\napi_key = "k"\n')
    expect((await resolved({ profile: 'work' })).apiKey?.value).toBe('k')
    expect((await resolved({}, { BIWA_PROFILE: 'work' })).url.value).toBe('http://b:1')
    await expect(resolved({ profile: 'play' })).rejects.toMatchObject({ exitCode: 2, message: /default, work/ })
  })

  test('are kept beside each other in a file for the owner alone', async () => {
    const terminal = fakeTerminal({ workingDirectory: directory })
    await saveProfile(terminal, 'default', { url: 'http://a:1', apiKey: 'one', database: undefined })
    chmodSync(join(directory, profiles), 0o644)
    await saveProfile(terminal, 'work', { url: 'http://b:1', apiKey: 'two "quoted"', database: 'logs' })
    expect(statSync(join(directory, profiles)).mode & 0o777).toBe(0o600)
    expect((await resolved()).apiKey?.value).toBe('one')
    expect((await resolved({ profile: 'work' })).apiKey?.value).toBe('two "quoted"')
  })
})

describe('a file that cannot be understood', () => {
  test.each([
    ['biwa.toml', 'url = http'],
    ['biwa.toml', 'url = 8040'],
    [profiles, '[default'],
    ['biwa-data/credentials.json', '{'],
  ])('%s: %s', async (name, text) => {
    put(name, text)
    await expect(resolved()).rejects.toMatchObject({ name: 'Failure', exitCode: 2 })
  })
})
