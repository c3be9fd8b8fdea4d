import { expect, test } from 'vitest'

import { diskFailure } from './disk-failures.ts'

const spilled = (used: string, most: string): string =>
  `failed to offload data block of size 160.0 KiB (${used}/${most} used).\n` +
  "This limit was set by the 'max_temp_directory_size' setting."

const full = 'storage_full'
const failed = 'object_store_unavailable'

test.each([
  ['Could not write file "/x": No space left on device', 1e9, full],
  ['IO Error: Disk quota exceeded', 1e9, full],
  // 1e9 bytes are 953.6 MiB.
  [spilled('953.5 MiB', '953.6 MiB'), 1e9, undefined],
  [spilled('4.4 MiB', '4.5 MiB'), 1e9, full],
  [spilled('0 bytes', '0 bytes'), 1e9, full],
  [spilled('18.6 GiB', '18.6 GiB'), 20e9, undefined],
  [spilled('120.0 GiB', '120.1 GiB'), Infinity, full],
  ['could not allocate block of size 256.0 KiB (95.3 MiB/95.3 MiB used)', 1e9, undefined],
  ['Could not open file: No such file', 1e9, undefined],
  ['IO Error: Could not write file "/x/y.parquet": Input/output error', 1e9, failed],
  ['{"exception_type":"IO","exception_message":"Could not read from file \\"/x\\": Input/output error"}', 1e9, failed],
  ['{"exception_type":"IO","exception_message":"Cannot open file \\"/x\\": Input/output error"}', 1e9, failed],
  // Whatever a query makes up by `error(…)` is of another type.
  [
    '{"exception_type":"Invalid Input","exception_message":"Could not read \\"x\\": Input/output error"}',
    1e9,
    undefined,
  ],
  ['Conversion Error: Could not convert string "Input/output error" to INT32', 1e9, undefined],
])('%s', (message, temporaryBytes, code) => {
  expect(diskFailure(new Error(message), temporaryBytes)?.code).toBe(code)
})

test.each([
  ['ENOSPC', full],
  ['EIO', failed],
  ['EACCES', undefined],
])('a system call that failed with %s', (code, expected) => {
  expect(diskFailure(Object.assign(new Error('it failed'), { code }))?.code).toBe(expected)
})
