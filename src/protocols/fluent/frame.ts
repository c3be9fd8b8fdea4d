/** One message as it came, whole: the door looks at its outside only. */
export interface Frame {
  readonly serialization: 'msgpack' | 'json'
  readonly bytes: Buffer
  /** Where the elements of the outer array begin; none where the frame is a single value. */
  readonly starts: readonly number[]
}

/** The sender does not speak the protocol, or more than the server takes: the connection ends. */
export class BrokenFrame extends Error {
  override readonly name = 'BrokenFrame'
  readonly code: 'body_malformed' | 'body_too_large'

  constructor(code: BrokenFrame['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** Finds the end of a frame in bytes that come piece by piece, each of which is looked at once. */
export interface FrameScanner {
  readonly serialization: Frame['serialization']
  /** Where the elements of the outer array begin, as far as they were seen. */
  readonly starts: readonly number[]
  /** Bytes of the frame that were seen, or announced. At least as many follow. */
  readonly announcedBytes: number
  /** Returns the place behind the frame, or -1 where it goes on behind the piece. Fails with `BrokenFrame`. */
  scan(piece: Buffer, at: number): number
  /** Begins with the next frame. */
  reset(): void
}

/** Elements of the largest message, PING, with some to spare. Without a bound, a list of starts could outgrow its frame. */
export const elementsMax = 16

export function tooLarge(bytesMax: number): BrokenFrame {
  return new BrokenFrame('body_too_large', `a message is larger than the limit of ${bytesMax} bytes`)
}
