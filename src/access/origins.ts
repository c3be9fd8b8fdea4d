import { AppError } from '../base/errors.ts'
import type { KeyKind } from './access.ts'

/** Origins that one key may be bound to. */
const originsMax = 50
const charactersMax = 300

/** Scheme, host and perhaps a port; in place of its first label, a host may have an asterisk. */
const pattern = /^https?:\/\/(\*\.)?[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]{1,5})?$/

/**
 * The origins of a new key as they are kept. Only a key that can do nothing but write is good for a page that anybody may read:
 * others fail with `invalid_request`, as do origins that no browser would send.
 */
export function requireOrigins(kind: KeyKind, origins: readonly string[]): readonly string[] {
  if (origins.length === 0) return []
  if (kind !== 'import') {
    throw new AppError('invalid_request', `A key of the kind ${kind} cannot be bound to origins.`, {
      hint: 'Keys for web pages are of the kind import: whoever opens the page can read them.',
    })
  }
  if (origins.length > originsMax) {
    throw new AppError('invalid_request', `A key can be bound to ${originsMax} origins, not to ${origins.length}.`, {
      hint: 'Use an asterisk, as in https://*.example.com, or several keys.',
    })
  }
  return [...new Set(origins.map(requireOrigin))]
}

function requireOrigin(origin: string): string {
  const kept = origin.trim().toLowerCase().replace(/\/$/, '')
  if (kept.length <= charactersMax && pattern.test(kept) && URL.canParse(kept.replace('*.', ''))) {
    return withoutDefaultPort(kept)
  }
  throw new AppError('invalid_request', `“${origin.slice(0, charactersMax)}” is not an origin.`, {
    hint: 'Origins are scheme, host and perhaps port: https://www.example.com, https://*.example.com, http://localhost:3000.',
  })
}

/** Browsers leave out the port that goes without saying. */
function withoutDefaultPort(origin: string): string {
  return origin.startsWith('https:') ? origin.replace(/:443$/, '') : origin.replace(/:80$/, '')
}

/** Whether a key that is bound to `origins` opens for a request from `origin`. Unbound keys open for all. */
export function opensFor(origins: readonly string[], origin: string | undefined): boolean {
  if (origins.length === 0) return true
  if (origin === undefined) return false
  return origins.some((allowed) => allowed === origin || isBelow(allowed, origin))
}

/** `https://*.example.com` stands for every host below example.com, at any depth, and not for example.com. */
function isBelow(allowed: string, origin: string): boolean {
  const [scheme, parent] = allowed.split('*')
  if (scheme === undefined || parent === undefined) return false
  return origin.startsWith(scheme) && origin.endsWith(parent) && origin.length > scheme.length + parent.length
}

export function wrongOrigin(origin: string | undefined): AppError {
  const message =
    origin === undefined
      ? 'The API key is bound to origins, and the request names none.'
      : `The API key is bound to origins, and “${origin.slice(0, charactersMax)}” is none of them.`
  return new AppError('origin_not_allowed', message, {
    hint: 'Make a key for this origin (biwa key create --kind import --origin …), or use one that is bound to none.',
  })
}
