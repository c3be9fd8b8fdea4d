import { AppError } from '../base/errors.ts'

/** The escapes of JSON text; of those, `\u0000` and halves of characters are what jsonb cannot hold. */
const escapes = /\\(?:u0000|ud[89a-f][0-9a-f]{2}|.)/g
const unstorable = /^\\u(?:0000|d)/

/** As text for a jsonb column; null for undefined. What jsonb cannot hold in texts becomes U+FFFD. */
export function storedJson(value: unknown): string | null {
  const text = JSON.stringify(value) as string | undefined
  if (text?.includes('\\u') !== true) return text ?? null
  return text.replace(escapes, (escape) => (unstorable.test(escape) ? '\\ufffd' : escape))
}

/** As `storedJson`, but refuses with `invalid_request` what could not be given back exactly. */
export function exactJson(what: string, value: unknown): string {
  const text = storedJson(value) ?? 'null'
  // What was replaced stands there as a character that the value has, too, if it was not replaced.
  if (!text.includes('\\ufffd') || text === JSON.stringify(value)) return text
  throw new AppError('invalid_request', `The ${what} has a NUL character or half of a character in it.`, {
    hint: 'Send text in valid UTF-8, without NUL characters.',
  })
}
