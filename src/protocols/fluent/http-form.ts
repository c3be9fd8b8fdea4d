import { Busboy } from '@fastify/busboy'

import { AppError } from '../../base/errors.ts'

/** As many parts as a form of events has, with some to spare. */
const partsMax = 32

/** The fields of a form as bytes: one of them may be MessagePack, which is no text. Fails with `invalid_request`. */
export function formBytes(contentType: string, body: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  return contentType.startsWith('multipart/')
    ? multipartBytes(contentType, body)
    : Promise.resolve(urlEncodedBytes(body))
}

const mark = { percent: 0x25, ampersand: 0x26, plus: 0x2b, equals: 0x3d, space: 0x20 } as const

function urlEncodedBytes(body: Buffer): ReadonlyMap<string, Buffer> {
  const fields = new Map<string, Buffer>()
  for (let at = 0; at < body.byteLength && fields.size < partsMax;) {
    const next = body.indexOf(mark.ampersand, at)
    const end = next === -1 ? body.byteLength : next
    const equals = body.subarray(at, end).indexOf(mark.equals)
    if (equals !== -1) {
      fields.set(decoded(body.subarray(at, at + equals)).toString(), decoded(body.subarray(at + equals + 1, end)))
    }
    at = end + 1
  }
  return fields
}

/** As the URL standard decodes forms, but to bytes. */
function decoded(text: Buffer): Buffer {
  const bytes = Buffer.allocUnsafe(text.byteLength)
  let length = 0
  for (let at = 0; at < text.byteLength; at += 1) {
    const found = text[at] as number
    const hex = found === mark.percent ? text.toString('latin1', at + 1, at + 3) : ''
    if (/^[0-9a-f]{2}$/i.test(hex)) {
      bytes[length++] = Number.parseInt(hex, 16)
      at += 2
    } else bytes[length++] = found === mark.plus ? mark.space : found
  }
  return bytes.subarray(0, length)
}

function multipartBytes(contentType: string, body: Buffer): Promise<ReadonlyMap<string, Buffer>> {
  return new Promise((resolve, reject) => {
    const fields = new Map<string, Buffer>()
    const fail = (cause: unknown): void => reject(noForm(cause))
    try {
      const limits = { parts: partsMax, headerSize: 8192, fieldNameSize: 1000 }
      const parser = new Busboy({ headers: { 'content-type': contentType }, isPartAFile: () => true, limits })
      parser.on('file', (name, part) => {
        const pieces: Buffer[] = []
        part.on('data', (piece: Buffer) => pieces.push(piece))
        part.on('end', () => fields.set(name, Buffer.concat(pieces)))
      })
      parser.on('error', fail)
      parser.on('finish', () => resolve(fields))
      parser.end(body)
    } catch (error) {
      fail(error)
    }
  })
}

function noForm(cause: unknown): AppError {
  return new AppError('invalid_request', 'The body is not multipart/form-data as its header describes it.', { cause })
}
