// Members of gzip (RFC 1952 §2.3): a header, deflate, and a trailer.

const headerBytes = 10

/** A checksum and a size of four bytes each. */
export const trailerBytes = 8

const deflateMethod = 8

// Of the flags, those that say what lies between the header and deflate. The first one says nothing (FTEXT).
const hasExtra = 1 << 2
const hasName = 1 << 3
const hasComment = 1 << 4
const understood = 1 | hasExtra | hasName | hasComment

/** Where the deflate of the member begins whose header is at `at`; undefined where there is no header, or one that says more than usual ones do. */
export function deflateAt(body: Buffer, at: number): number | undefined {
  if (body.length - at < headerBytes + trailerBytes || body.readUInt16BE(at) !== 0x1f8b) return undefined
  const flags = body.readUInt8(at + 3)
  if (body.readUInt8(at + 2) !== deflateMethod || (flags & ~understood) !== 0) return undefined
  let end = at + headerBytes
  if ((flags & hasExtra) !== 0) end += 2 + body.readUInt16LE(end)
  if ((flags & hasName) !== 0) end = behindZero(body, end)
  if ((flags & hasComment) !== 0) end = behindZero(body, end)
  return end + trailerBytes <= body.length ? end : undefined
}

/** What is beyond the end stays there. */
function behindZero(body: Buffer, from: number): number {
  const zero = from < body.length ? body.indexOf(0, from) : -1
  return zero === -1 ? body.length : zero + 1
}
