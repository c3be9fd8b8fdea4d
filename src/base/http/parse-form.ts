import { Busboy } from '@fastify/busboy'

import { AppError } from '../errors.ts'
import { isShallow } from '../json-text.ts'

/** The parameters of a form, in whichever encoding it was sent. */
export interface Form {
  /** Each value as text; those of JSON that are not text are written as JSON. Of a repeated name the last value counts. */
  readonly fields: Readonly<Record<string, string>>
  /** The body as it was, where it was JSON. */
  readonly json: unknown
}

/** Far more than any form has, and few enough that nobody is kept busy with them. */
export const formFieldsMax = 1000
export const jsonDepthMax = 64
/** Of the name of a field and of the headers of a part, in bytes. */
const fieldNameBytesMax = 1000
const partHeaderBytesMax = 8192

const noForm: Form = { fields: {}, json: undefined }

/**
 * A form as JSON, url-encoded, multipart, or no body at all. Fails with `unsupported_format` for another media type, with
 * `invalid_request` where the body is not what its media type says, and with `body_too_large` beyond the limits above.
 */
export async function parseForm(contentType: string | undefined, bytes: Buffer): Promise<Form> {
  if (bytes.byteLength === 0) return noForm
  const mediaType = (contentType ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
  if (mediaType === 'application/json' || mediaType.endsWith('+json')) return jsonForm(bytes)
  if (mediaType === 'application/x-www-form-urlencoded') return urlEncodedForm(bytes)
  if (mediaType === 'multipart/form-data') return await multipartForm(contentType ?? '', bytes)
  throw new AppError('unsupported_format', `The parameters are sent as “${mediaType}”, which is none of a form.`, {
    hint: 'Send them as application/json, application/x-www-form-urlencoded or multipart/form-data.',
  })
}

function jsonForm(bytes: Buffer): Form {
  const text = bytes.toString('utf8')
  // What is nested deeper than any form overflows the stack of whoever walks it.
  if (!isShallow(text, jsonDepthMax)) {
    throw new AppError('invalid_request', `The body is nested deeper than ${jsonDepthMax} levels.`, {
      hint: 'Send a flatter body.',
    })
  }
  const json = parsed(text)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return { fields: {}, json }
  const entries = Object.entries(json)
  if (entries.length > formFieldsMax) throw tooManyFields()
  return { fields: Object.fromEntries(entries.flatMap(([name, value]) => textField(name, value))), json }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new AppError('invalid_request', 'The body is not JSON.', {
      hint: 'Send one JSON object, or change the Content-Type to what the body is.',
      cause: error,
    })
  }
}

/** A field that is null is one that is not there. */
function textField(name: string, value: unknown): [string, string][] {
  if (value === null) return []
  return [[name, typeof value === 'string' ? value : JSON.stringify(value)]]
}

function urlEncodedForm(bytes: Buffer): Form {
  const text = bytes.toString('utf8')
  let separators = 0
  for (let at = text.indexOf('&'); at !== -1; at = text.indexOf('&', at + 1)) separators += 1
  if (separators >= formFieldsMax) throw tooManyFields()
  return { fields: Object.fromEntries(new URLSearchParams(text)), json: undefined }
}

function multipartForm(contentType: string, bytes: Buffer): Promise<Form> {
  return new Promise((resolve, reject) => {
    const entries: [string, string][] = []
    const parser = openParser(contentType, bytes.byteLength)
    const fail = (error: AppError): void => {
      parser.removeAllListeners()
      parser.on('error', () => {})
      reject(error)
    }
    parser.on('field', (name, value, isNameCut, isValueCut) => {
      if (isNameCut || isValueCut) fail(tooManyFields())
      // A part without a name is nobody's parameter.
      else if (name !== undefined) entries.push([name, value])
    })
    parser.on('fieldsLimit', () => fail(tooManyFields()))
    parser.on('partsLimit', () => fail(tooManyFields()))
    parser.on('error', (error) => fail(noMultipart(error)))
    parser.on('finish', () => resolve({ fields: Object.fromEntries(entries), json: undefined }))
    parser.end(bytes)
  })
}

/** Files are text like other fields: some clients call every parameter one. */
function openParser(contentType: string, fieldSize: number): InstanceType<typeof Busboy> {
  try {
    return new Busboy({
      headers: { 'content-type': contentType },
      isPartAFile: () => false,
      limits: {
        fieldNameSize: fieldNameBytesMax,
        fieldSize,
        fields: formFieldsMax,
        parts: formFieldsMax,
        headerSize: partHeaderBytesMax,
      },
    })
  } catch (error) {
    throw noMultipart(error)
  }
}

function noMultipart(cause: unknown): AppError {
  return new AppError('invalid_request', 'The body is not multipart/form-data as its header describes it.', {
    hint: 'Its boundary is to be in the Content-Type, and the last one is to end with “--”.',
    cause,
  })
}

function tooManyFields(): AppError {
  return new AppError(
    'body_too_large',
    `The form has more than ${formFieldsMax} fields, or one with too long a name.`,
    {
      hint: 'Send fewer parameters.',
    },
  )
}
