import { AppError } from '../base/errors.ts'
import { contentEncodings, importFormats } from '../collect/collect.ts'
import type { ContentEncoding, ImportFormat } from '../collect/collect.ts'
import { importMediaTypes } from './contract/imports.ts'

/** The format that a media type names; undefined where it names none, as `application/octet-stream` does. */
export function formatOfMediaType(contentType: string | undefined): ImportFormat | undefined {
  if (contentType === undefined) return undefined
  return formats.get(contentType) ?? formats.get(contentType.split(';', 1)[0]?.trim().toLowerCase() ?? '')
}

const formats = new Map<string, ImportFormat>(Object.entries(importMediaTypes))

/** The format of a body whose sender gave none but perhaps a media type. Fails with `unsupported_format`. */
export function requireFormat(contentType: string | undefined): ImportFormat {
  const format = formatOfMediaType(contentType)
  if (format !== undefined) return format
  const said = contentType === undefined ? 'no Content-Type' : `the Content-Type “${contentType}”`
  throw new AppError('unsupported_format', `The body has ${said} and no \`format\`: it is not known how to read it.`, {
    hint: `Add the parameter \`format\`, one of: ${importFormats.join(', ')}.`,
  })
}

/** How a body is compressed, by its Content-Encoding. Fails with `unsupported_encoding`. */
export function requireEncoding(header: string | undefined): ContentEncoding {
  if (header === undefined) return 'identity'
  const named = header.trim().toLowerCase().replace(/^x-/, '')
  const encoding = named === '' ? 'identity' : contentEncodings.find((known) => known === named)
  if (encoding !== undefined) return encoding
  throw new AppError('unsupported_encoding', `The Content-Encoding “${header}” is not supported.`, {
    hint: `Use one of: ${contentEncodings.join(', ')}.`,
  })
}
