import { AppError } from '../base/errors.ts'

/** The API key in an Authorization header: `Bearer`, `TD1`, or `Basic` with the key as user name (or as password). */
export function apiKeyOf(header: string | undefined): string {
  const match = /^(bearer|td1|basic) +([^\s]+) *$/i.exec(header ?? '')
  const [, scheme = '', credentials = ''] = match ?? []
  const key = scheme.toLowerCase() === 'basic' ? keyOfBasic(credentials) : credentials
  if (key !== '') return key
  throw new AppError('unauthenticated', 'The request carries no API key.', {
    hint: 'Send the header “Authorization: Bearer <your key>”. `biwa key create` makes a key.',
  })
}

function keyOfBasic(credentials: string): string {
  const text = Buffer.from(credentials, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  const user = colon === -1 ? text : text.slice(0, colon)
  return user === '' ? text.slice(colon + 1) : user
}
