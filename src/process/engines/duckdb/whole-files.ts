import { statSync } from 'node:fs'

import { AppError } from '../../../base/errors.ts'
import type { ExecuteInput } from './tasks.ts'
import { filesOf } from './views.ts'

/** Fails where a file is not there as a whole: whoever chose it knows its size, and may have looked at it a while ago. */
export function requireWholeFiles(input: ExecuteInput): void {
  filesOf(input).forEach((file, index) => {
    const found = statSync(file, { throwIfNoEntry: false })?.size
    const known = input.sizes[index]
    if (found === known) return
    if (found === undefined) throw new AppError('object_not_found', `${file} is not there any more.`)
    throw new AppError('object_damaged', `${file} has ${found} bytes instead of ${known}.`)
  })
}
