import { AppError } from '../../base/errors.ts'

/** Clients send `TD1 <key>`, or the key alone where it has not the shape they know. */
export function keyIn(header: string | undefined): string | undefined {
  return /^(?:td1 +)?(\S+) *$/i.exec(header ?? '')?.[1]
}

export function keyOf(header: string | undefined): string {
  const key = keyIn(header)
  if (key !== undefined) return key
  throw new AppError('unauthenticated', 'The request carries no API key.', {
    hint: 'Send the header “Authorization: TD1 <your key>”, as clients do that are given an API key.',
  })
}
