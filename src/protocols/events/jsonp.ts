import { AppError } from '../../base/errors.ts'

/** Names of functions, and nothing that would be run: `TreasureJSONPCallback0`, `app.onEvent`. */
const callbackPattern = /^[A-Za-z_$][\w$]*(\.[A-Za-z_$][\w$]*)*$/
const callbackCharactersMax = 128

/** The name of the function that the page waits for with the answer; undefined where it wants plain JSON. */
export function callbackOf(query: Readonly<Record<string, string>>): string | undefined {
  const { callback } = query
  if (callback === undefined || callback === '') return undefined
  if (callback.length <= callbackCharactersMax && callbackPattern.test(callback)) return callback
  throw new AppError('invalid_request', 'The parameter `callback` is not the name of a function.', {
    hint: `Names have up to ${callbackCharactersMax} letters, digits, underscores and dots.`,
  })
}

/** The answer as a script. What stands before the name keeps it from being the beginning of anything else. */
export function scriptOf(callback: string, body: object): Buffer {
  const json = JSON.stringify(body)
    .replaceAll('\u2028', String.raw`\u2028`)
    .replaceAll('\u2029', String.raw`\u2029`)
  return Buffer.from(`/**/typeof ${callback} === 'function' && ${callback}(${json});`)
}
