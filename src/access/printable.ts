import { AppError } from '../base/errors.ts'

/** Fails with `invalid_request` unless `text` is short and free of control characters. Returns it. */
export function requirePrintable(what: string, text: string, charactersMax: number): string {
  if (text.length <= charactersMax && !/[\p{Cc}\p{Surrogate}]/u.test(text)) return text
  throw new AppError('invalid_request', `The ${what} is too long or has control characters in it.`, {
    hint: `Send at most ${charactersMax} characters, in one line.`,
  })
}
