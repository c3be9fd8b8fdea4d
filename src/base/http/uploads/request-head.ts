/** The head of a request that brings a body and has nothing unusual about it. */
export interface RequestHead {
  readonly method: string
  /** As it was asked, with the query. */
  readonly url: string
  readonly path: string
  readonly query: Readonly<Record<string, string>>
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string>>
  /** Of the head itself, with the empty line behind it. */
  readonly headBytes: number
  /** Of the body, as they are announced. */
  readonly bodyBytes: number
}

/** As Node's own limit of a head. */
const headBytesMax = 16 << 10
const endOfHead = Buffer.from('\r\n\r\n')

/** A path and a query in which nothing stands for something else, because of which nobody can read them differently. */
const requestLine = /^(POST|PUT) ((\/[\w./:@~-]*)(?:\?([\w./:@~=&-]*))?) HTTP\/1\.1$/
const headerLine = /^([\w!#$%&'*+.^`|~-]+):[ \t]*([\t -~]*)$/
const announcement = /^\d{1,12}$/

/** What is framed by anything but a length, or waits for an answer before its body, is for the ordinary way. */
const unusualHeaders = ['transfer-encoding', 'expect', 'upgrade', 'trailer']

/**
 * Reads the head that `bytes` begin with, if all of it is there and it is one that every server reads alike: HTTP/1.1 (RFC 9112) with a
 * `Content-Length`, each header once, plain ASCII, nothing encoded. Undefined for all others, valid or not, which Node's parser is to judge:
 * this one only has to be sure of what it takes.
 */
export function usualHead(bytes: Buffer): RequestHead | undefined {
  // `P` of POST and PUT, so that nobody else's requests are searched.
  if (bytes[0] !== 0x50) return undefined
  const end = bytes.subarray(0, headBytesMax).indexOf(endOfHead)
  if (end === -1) return undefined
  const [first = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const [, method, url, path, search] = requestLine.exec(first) ?? []
  const headers = headersOf(lines)
  const query = parametersOf(search)
  if (method === undefined || url === undefined || path === undefined) return undefined
  if (headers === undefined || query === undefined || !isUsual(headers)) return undefined
  const bodyBytes = Number(headers['content-length'])
  return { method, url, path, query, headers, headBytes: end + endOfHead.length, bodyBytes }
}

/** Undefined where a line is no header, or a name is there twice. */
function headersOf(lines: readonly string[]): Record<string, string> | undefined {
  const headers = Object.create(null) as Record<string, string>
  for (const line of lines) {
    const [, name, value] = headerLine.exec(line) ?? []
    if (name === undefined || value === undefined) return undefined
    const key = name.toLowerCase()
    if (headers[key] !== undefined) return undefined
    headers[key] = value.trimEnd()
  }
  return headers
}

function parametersOf(search: string | undefined): Record<string, string> | undefined {
  const parameters = Object.create(null) as Record<string, string>
  if (search === undefined || search === '') return parameters
  for (const pair of search.split('&')) {
    const [name = '', value, ...more] = pair.split('=')
    if (name === '' || value === undefined || more.length > 0 || parameters[name] !== undefined) return undefined
    parameters[name] = value
  }
  return parameters
}

function isUsual(headers: Readonly<Record<string, string>>): boolean {
  const { host, connection = 'keep-alive', 'content-length': length = '' } = headers
  if (host === undefined || connection.toLowerCase() !== 'keep-alive' || !announcement.test(length)) return false
  return unusualHeaders.every((name) => headers[name] === undefined)
}
