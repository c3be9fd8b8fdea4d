import { AppError } from '../../base/errors.ts'

/** Which pages may send, as browsers ask for it (CORS). Without a list, browsers are told nothing. */
export interface HttpOrigins {
  headersFor(origin: string | undefined): Record<string, string>
  preflightFor(origin: string | undefined): Record<string, string>
  /** Fails with `forbidden` for a page that is not listed. */
  require(origin: string | undefined): void
}

/** A list of origins, separated by commas; `*` stands for any, and in an origin for any part of it. */
export function httpOrigins(list: string): HttpOrigins {
  const patterns = list
    .split(',')
    .map((origin) => origin.trim())
    .filter((origin) => origin !== '')
    .map((origin) => new RegExp(`^${origin.split('*').map(quoted).join('.*')}$`))
  const isListed = (origin: string): boolean => patterns.some((pattern) => pattern.test(origin))
  const headersFor: HttpOrigins['headersFor'] = (origin) =>
    origin !== undefined && isListed(origin) ? { 'access-control-allow-origin': origin, vary: 'origin' } : {}
  return {
    headersFor,
    preflightFor: (origin) =>
      origin !== undefined && isListed(origin)
        ? {
            'access-control-allow-methods': 'POST',
            'access-control-allow-headers': 'authorization, content-encoding, content-type, idempotency-key',
            'access-control-max-age': '600',
          }
        : {},
    require(origin) {
      if (origin === undefined || patterns.length === 0 || isListed(origin)) return
      throw new AppError('forbidden', `Pages of ${origin} may not send.`, { hint: 'See --fluent-http-origins.' })
    },
  }
}

function quoted(text: string): string {
  return text.replaceAll(/[\\^$.+?()[\]{}|]/g, '\\$&')
}
