import { createHash } from 'node:crypto'

import type { ErrorRecord } from '../base/errors.ts'

/**
 * What errors of one sort have in common: 12 hexadecimal digits of the code and of the message without what differs from
 * one occurrence to the next. Redrives are chosen by it, and histories keep it, so that a change of the rules splits
 * groups that were one before.
 */
export function fingerprintOf({ code, message }: Pick<ErrorRecord, 'code' | 'message'>): string {
  return createHash('sha256')
    .update(`${code}\n${messagePattern(message)}`)
    .digest('hex')
    .slice(0, 12)
}

/** Only so much of a message counts: a form that is opened and never closed is searched for from each opening on. */
const lengthMax = 1000

/** The beginning of the message, with a star for each quoted name, address, path, id and number. */
export function messagePattern(message: string): string {
  return variables
    .reduce((text, variable) => text.replaceAll(variable, '*'), message.slice(0, lengthMax))
    .replaceAll(/\*(?:\s*[*,.:]\s*\*)*/g, '*')
    .replaceAll(/\s+/g, ' ')
    .trim()
}

/** What differs between occurrences, the longer forms first. */
const variables: readonly RegExp[] = [
  // Quoted names. An apostrophe within a word, as in "doesn't", opens nothing.
  /"[^"\n]*"|`[^`\n]*`|“[^”\n]*”|«[^»\n]*»/g,
  /(?<![\p{L}\p{N}])'[^'\n]*'(?![\p{L}\p{N}])/gu,
  // Addresses, and paths from a root, a home or a drive.
  /\b[a-z][a-z0-9+.-]{1,15}:\/\/[^\s,;)\]]+/gi,
  /(?<![\p{L}\p{N}])(?:[a-z]:\\|~?\/|\.{1,2}\/)[^\s,;)\]]+/giu,
  // UUIDs, and other hexadecimal ids with a digit in them.
  /(?<![\p{L}\p{N}])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\p{L}\p{N}])/giu,
  /\b0x[0-9a-f]+/gi,
  /(?<![\p{L}\p{N}])(?=[a-f]{0,64}[0-9])[0-9a-f]{8,}(?![\p{L}\p{N}])/giu,
  // Numbers, also within words: `shard17`.
  /[+-]?\p{N}+(?:[.,_:]\p{N}+)*/gu,
]
