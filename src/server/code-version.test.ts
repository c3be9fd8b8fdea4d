import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'

import { codeVersion } from './code-version.ts'

const directory = mkdtempSync(join(tmpdir(), 'biwa-version-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

function makeBuild(name: string, code: string): URL {
  const root = join(directory, name)
  mkdirSync(join(root, 'dist/server'), { recursive: true })
  writeFileSync(join(root, 'package.json'), '{"version":"1.2.3"}')
  writeFileSync(join(root, 'dist/server/worker.js'), code)
  writeFileSync(join(root, 'dist/server/worker.js.map'), name)
  return pathToFileURL(`${join(root, 'dist')}/`)
}

test('is the same for the same code, wherever it lies, and another one for any change', () => {
  const version = codeVersion(makeBuild('blue', 'run(1)'))
  expect(version).toMatch(/^1\.2\.3\+[0-9a-f]{8}$/)
  expect(codeVersion(makeBuild('copy', 'run(1)'))).toBe(version)
  expect(codeVersion(makeBuild('green', 'run(2)'))).not.toBe(version)
})

test('knows the code that runs', () => {
  expect(codeVersion()).toMatch(/^\d+\.\d+\.\d+\+[0-9a-f]{8}$/)
})
