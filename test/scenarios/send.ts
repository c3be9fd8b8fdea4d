import { request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders } from 'node:http'
import { gzipSync } from 'node:zlib'

import { Encoder } from '@msgpack/msgpack'

import type { Request } from './scenario.ts'

export interface Received {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
}

/** Sends exactly what the scenario says: no header is added but `Host` and what frames the body. */
export function send(url: string, sent: Request): Promise<Received> {
  const { bytes, contentType } = bodyOf(sent)
  const headers: Record<string, string> = contentType === undefined ? {} : { 'content-type': contentType }
  for (const [name, value] of Object.entries(sent.headers)) {
    if (value === null) delete headers[name.toLowerCase()]
    else headers[name.toLowerCase()] = value
  }
  if (sent.chunked) headers['transfer-encoding'] = 'chunked'
  else if (headers['content-length'] !== undefined) headers['connection'] = 'close'
  else if (bytes !== undefined || sent.method !== 'GET') headers['content-length'] = String(bytes?.byteLength ?? 0)
  return new Promise((resolve, reject) => {
    const request = httpRequest(url + sent.path, { method: sent.method, headers, agent: false }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) })
      })
    })
    request.on('error', reject)
    request.end(bytes)
  })
}

const boundary = 'part-of-a-scenario'

function bodyOf(sent: Request): { bytes?: Buffer; contentType?: string } {
  const { body, body_base64, body_form, body_multipart, body_msgpack, body_msgpack_gz } = sent
  if (body_base64 !== undefined) return { bytes: Buffer.from(body_base64, 'base64') }
  if (body_form !== undefined) {
    const fields = Object.entries(body_form).map(([name, value]): [string, string] => [name, fieldText(value)])
    const bytes = Buffer.from(new URLSearchParams(fields).toString())
    return { bytes, contentType: 'application/x-www-form-urlencoded' }
  }
  if (body_multipart !== undefined) {
    return { bytes: multipartOf(body_multipart), contentType: `multipart/form-data; boundary=${boundary}` }
  }
  const contentType = 'application/octet-stream'
  if (body_msgpack !== undefined) return { bytes: msgpackOf(body_msgpack), contentType }
  if (body_msgpack_gz !== undefined) return { bytes: gzipSync(msgpackOf(body_msgpack_gz)), contentType }
  if (body === undefined) return {}
  if (typeof body === 'string') return { bytes: Buffer.from(body) }
  return { bytes: Buffer.from(JSON.stringify(body)), contentType: 'application/json' }
}

const fieldText = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

function multipartOf(fields: Readonly<Record<string, unknown>>): Buffer {
  const parts = Object.entries(fields).map(
    ([name, value]) => `--${boundary}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${fieldText(value)}\r\n`,
  )
  return Buffer.from(`${parts.join('')}--${boundary}--\r\n`)
}

/** One value behind the other. */
function msgpackOf(values: readonly unknown[]): Buffer {
  const encoder = new Encoder()
  return Buffer.concat(values.map((value) => encoder.encode(value)))
}
