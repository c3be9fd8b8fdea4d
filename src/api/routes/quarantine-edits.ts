import { AppError } from '../../base/errors.ts'

export interface Edit {
  readonly find: string
  readonly replace: string
  readonly as: 'text' | 'hex'
}

/** Replaces pieces of bytes, one edit after the other, each wherever its piece is found. Fails with `invalid_request`. */
export function editor(edits: readonly Edit[]): (bytes: Buffer) => Buffer {
  const pieces = edits.map(({ find, replace, as }) => ({ find: pieceOf(find, as), put: pieceOf(replace, as) }))
  return (bytes) => pieces.reduce((edited, { find, put }) => replaceAll(edited, find, put), bytes)
}

function replaceAll(bytes: Buffer, find: Buffer, put: Buffer): Buffer {
  const parts: Buffer[] = []
  let from = 0
  for (let at = bytes.indexOf(find); at !== -1; at = bytes.indexOf(find, from)) {
    parts.push(bytes.subarray(from, at), put)
    from = at + find.byteLength
  }
  return parts.length === 0 ? bytes : Buffer.concat([...parts, bytes.subarray(from)])
}

function pieceOf(text: string, as: Edit['as']): Buffer {
  if (as === 'text') return Buffer.from(text)
  const digits = text.replaceAll(' ', '')
  if (/^(?:[0-9a-f]{2})*$/i.test(digits)) return Buffer.from(digits, 'hex')
  throw new AppError('invalid_request', `“${text.slice(0, 100)}” is not made of pairs of hexadecimal digits.`, {
    hint: 'Write bytes as in 7b 22 61.',
  })
}

/** Fails with `invalid_request` where base64 has what is none. */
export function bytesOf(raw: string, encoding: 'utf8' | 'base64'): Buffer {
  const isBroken = encoding === 'base64' && !/^[\w+/-]*={0,2}$/.test(raw)
  if (!isBroken) return Buffer.from(raw, encoding)
  throw new AppError('invalid_request', '“raw” is not base64.', { hint: 'Send text with raw_encoding utf8.' })
}
