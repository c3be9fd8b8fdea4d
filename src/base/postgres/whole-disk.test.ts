import { expect, test } from 'vitest'

import { syncsWholeDisk } from './whole-disk.ts'

test.each([
  ['linux', '5.8.0', true],
  ['linux', '5.7.19-generic', false],
  ['linux', '4.18.0-553.el8.x86_64', false],
  ['linux', '5.15.153.1-microsoft-standard-WSL2', true],
  ['linux', '6.1', true],
  ['linux', 'unknown', false],
  ['darwin', '24.6.0', false],
] as const)('whether %s %s syncs a whole file system and says when that failed', (platform, release, does) => {
  expect(syncsWholeDisk(platform, release)).toBe(does)
})
