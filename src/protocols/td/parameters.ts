import { AppError } from '../../base/errors.ts'
import type { OpenCall } from './operation.ts'

// Parameters come as text, whatever encoding a body has; one that is empty is one that is not there.

/** Fails with `invalid_request` where it is no whole number between the bounds. */
export function wholeParameter(
  { form }: OpenCall,
  name: string,
  { min, max }: { readonly min: number; readonly max: number },
): number | undefined {
  const text = form[name] ?? ''
  if (text === '') return undefined
  const value = Number(text)
  if (/^-?\d{1,15}$/.test(text) && value >= min && value <= max) return value
  throw unfit(name, text, `Use a whole number from ${min} to ${max}.`)
}

/** Fails with `invalid_request` where it is none of the choices. */
export function choiceParameter<Choice extends string>(
  { form }: OpenCall,
  name: string,
  choices: readonly Choice[],
): Choice | undefined {
  const text = form[name] ?? ''
  if (text === '') return undefined
  const found = choices.find((choice) => choice === text)
  if (found !== undefined) return found
  throw unfit(name, text, `Use one of ${choices.join(', ')}.`)
}

/** Unix seconds, or a date. Fails with `invalid_request` for what is neither. */
export function momentParameter({ form }: OpenCall, name: string): Date | undefined {
  const text = form[name] ?? ''
  if (text === '') return undefined
  const time = new Date(/^\d{1,11}$/.test(text) ? Number(text) * 1000 : text)
  if (!Number.isNaN(time.getTime())) return time
  throw unfit(name, text, 'Give unix seconds, or a time such as 2026-01-31 12:00:00 UTC.')
}

function unfit(name: string, text: string, hint: string): AppError {
  const shown = JSON.stringify(text.slice(0, 100))
  return new AppError('invalid_request', `The parameter “${name}” cannot be ${shown}.`, { hint })
}
