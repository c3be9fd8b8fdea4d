import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

import { errorCatalogue } from '../base/errors.ts'
import type { ErrorCode } from '../base/errors.ts'
import { causeOfCode, codeOfSystemCode, retryRules, unknownAttemptsMax } from './retry-rules.ts'
import type { RetryCause } from './retry-rules.ts'

const causes = Object.keys(retryRules) as RetryCause[]
const codes = Object.keys(errorCatalogue) as ErrorCode[]

const actions = {
  retry: 'retry',
  retry_twice: `retry, at most ${unknownAttemptsMax} attempts`,
  never: 'never',
  no_attempt_spent: 'queue again, no attempt spent',
}

/** The table of docs/retries.md. */
function table(): string {
  const rows = causes.map((cause) => {
    const { action, because } = retryRules[cause]
    const ofCause = codes.filter((code) => causeOfCode[code] === cause).map((code) => `\`${code}\``)
    return `| ${cause} | ${actions[action]} | ${because} | ${ofCause.join(', ')} |`
  })
  return ['| Cause | What is done | Because | Codes |', '|---|---|---|---|', ...rows].join('\n')
}

describe('the table of retries', () => {
  test('is the one in docs/retries.md', () => {
    const page = readFileSync(new URL('../../docs/retries.md', import.meta.url), 'utf8')
    const rows = (text: string) =>
      text
        .split('\n')
        .filter((line) => line.startsWith('|'))
        .map((line) => line.replaceAll(/\s*\|\s*/g, '|').replaceAll(/-+/g, '-'))
    expect(rows(page)).toEqual(rows(table()))
    for (const code of codeOfSystemCode.keys()) expect(page).toContain(`\`${code}\``)
  })

  test('has a cause for every code, and a code for every cause', () => {
    expect(Object.keys(causeOfCode).toSorted()).toEqual(codes.toSorted())
    expect(causes.filter((cause) => !Object.values(causeOfCode).includes(cause))).toEqual([])
  })

  test('retries whatever clients are told to retry, and beyond that only what is broken on our side', () => {
    const differing = codes.filter(
      (code) => errorCatalogue[code].retryable !== (retryRules[causeOfCode[code]].action !== 'never'),
    )
    expect(differing).toEqual(['lease_lost', 'object_not_found', 'internal'])
  })
})
