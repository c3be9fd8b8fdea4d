export interface ConditionalHeaders {
  readonly range?: string | undefined
  readonly 'if-range'?: string | undefined
  readonly 'if-none-match'?: string | undefined
}

/** What a GET of an object of `bytes` bytes with the strong tag `etag` is to be answered with (RFC 9110 §13, §14). */
export type Selection =
  | { readonly status: 304 }
  | { readonly status: 200 }
  /** From, inclusive; to, exclusive. */
  | { readonly status: 206; readonly from: number; readonly to: number }
  /** The range lies outside. */
  | { readonly status: 416 }

export function selectBytes(headers: ConditionalHeaders, object: { bytes: number; etag: string }): Selection {
  if (matches(headers['if-none-match'], object.etag)) return { status: 304 }
  const condition = headers['if-range']
  // §13.1.5: a tag that does not match strongly, or a date, which no object of ours has: the whole object.
  if (condition !== undefined && condition.trim() !== object.etag) return { status: 200 }
  return selectRange(headers.range, object.bytes)
}

/** §13.1.2: compared weakly, for which a prefix W/ makes no difference. */
function matches(list: string | undefined, etag: string): boolean {
  if (list === undefined) return false
  if (list.trim() === '*') return true
  return list.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag)
}

/** §14.2: what is no single range of bytes is ignored, which several ranges at once may be, too. */
function selectRange(range: string | undefined, bytes: number): Selection {
  const match = /^bytes=\s*(\d{0,15})-(\d{0,15})\s*$/.exec(range ?? '')
  const [, first = '', last = ''] = match ?? []
  if (first === '' && last === '') return { status: 200 }
  if (first !== '' && last !== '' && Number(last) < Number(first)) return { status: 200 }
  const from = first === '' ? Math.max(0, bytes - Number(last)) : Number(first)
  const to = first === '' || last === '' ? bytes : Math.min(bytes, Number(last) + 1)
  return from < to ? { status: 206, from, to } : { status: 416 }
}
