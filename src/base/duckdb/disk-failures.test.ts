import { expect, test } from 'vitest'

import { saysDiskFull } from './disk-failures.ts'

const spilled = (used: string, most: string): string =>
  `failed to offload data block of size 160.0 KiB (${used}/${most} used).\n` +
  "This limit was set by the 'max_temp_directory_size' setting."

test.each([
  ['Could not write file "/x": No space left on device', 1e9, true],
  ['IO Error: Disk quota exceeded', 1e9, true],
  // 1e9 bytes are 953.6 MiB.
  [spilled('953.5 MiB', '953.6 MiB'), 1e9, false],
  [spilled('4.4 MiB', '4.5 MiB'), 1e9, true],
  [spilled('0 bytes', '0 bytes'), 1e9, true],
  [spilled('18.6 GiB', '18.6 GiB'), 20e9, false],
  [spilled('120.0 GiB', '120.1 GiB'), Infinity, true],
  ['could not allocate block of size 256.0 KiB (95.3 MiB/95.3 MiB used)', 1e9, false],
  ['Could not open file: No such file', 1e9, false],
])('%s', (message, temporaryBytes, isFull) => {
  expect(saysDiskFull(message, temporaryBytes)).toBe(isFull)
})
