import { Failure } from '../failure.ts'
import { exitCodes } from '../exit-codes.ts'

/** A part of a file that is sent as one body: whole records, in the file's format. */
export interface Piece {
  readonly body: Buffer
  /** Of its first byte in the inflated file: with the content, the identity of the piece. */
  readonly offset: number
  /** Undefined where they cannot be counted from outside. */
  readonly records: number | undefined
}

export type Pieces = AsyncGenerator<Piece>

export interface PieceLimits {
  /** A piece ends with the first record that makes it as large. */
  readonly targetBytes: number
  /** What the server takes at most. */
  readonly bytesMax: number
}

/** 8 MB is lost at most when a connection breaks; the server takes 64 MiB. */
export const pieceLimits: PieceLimits = { targetBytes: 8_000_000, bytesMax: 64 << 20 }

export function tooLarge(what: string, offset: number, limits: PieceLimits): Failure {
  const mebibytes = Math.floor(limits.bytesMax / (1 << 20))
  return new Failure(
    exitCodes.usage,
    `${what} at byte ${offset} is larger than the ${mebibytes} MiB that the server takes.`,
    {
      hint: 'Check that the format is right and the file whole; otherwise split the file.',
    },
  )
}

/** Keeps only ASCII white space apart from content. */
export function isBlank(bytes: Uint8Array): boolean {
  return bytes.every((byte) => byte === 0x20 || (byte >= 0x09 && byte <= 0x0d))
}
