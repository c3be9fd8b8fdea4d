import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterEach, beforeEach, expect, test } from 'vitest'

import { bundled } from './bundles.ts'

let folder = ''
const file = (name: string) => pathToFileURL(join(folder, name))
const entry = () => file('server/engine.js')
const write = (name: string, at: number) => {
  writeFileSync(join(folder, name), '')
  utimesSync(join(folder, name), at, at)
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'biwa-bundles-'))
  mkdirSync(join(folder, 'bundled/server'), { recursive: true })
})
afterEach(() => rmSync(folder, { recursive: true }))

test('a process without a bundle runs its modules', () => {
  expect(bundled(entry(), file('./')).href).toBe(entry().href)
})

test('a bundle takes their place', () => {
  write('bundled/server/engine.js', 1000)
  const bundle = file('bundled/server/engine.js').href
  expect(bundled(entry(), file('./')).href).toBe(bundle)
  write('.tsbuildinfo', 1000)
  expect(bundled(entry(), file('./')).href).toBe(bundle)
})

test('what was compiled after it was made is not passed over', () => {
  write('bundled/server/engine.js', 1000)
  write('.tsbuildinfo', 1001)
  expect(bundled(entry(), file('./')).href).toBe(entry().href)
})
