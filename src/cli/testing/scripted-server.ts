import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A request as it arrived. */
export interface ReceivedRequest {
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export interface ScriptedAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as JSON, or as it is where it is bytes. */
  readonly body?: unknown
  /** Breaks the connection after the body, although more was announced. */
  readonly cut?: boolean
}

export interface ScriptedServer {
  readonly url: string
  readonly requests: ReceivedRequest[]
  close(): Promise<void>
}

/** A real HTTP server that answers what a test says. */
export async function scriptedServer(
  answer: (request: ReceivedRequest, number: number) => ScriptedAnswer | Promise<ScriptedAnswer>,
): Promise<ScriptedServer> {
  const requests: ReceivedRequest[] = []
  const server = createServer((incoming, response) => {
    void receive(incoming).then(async (request) => {
      const number = requests.push(request)
      send(response, await answer(request, number))
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    requests,
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, 'close')
    },
  }
}

async function receive(incoming: IncomingMessage): Promise<ReceivedRequest> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  const { pathname, searchParams } = new URL(incoming.url ?? '', 'http://test')
  const { method = '', headers } = incoming
  return { method, path: pathname, query: searchParams, headers, body: Buffer.concat(chunks) }
}

function send(response: ServerResponse, { status = 200, headers = {}, body, cut = false }: ScriptedAnswer): void {
  const bytes = Buffer.isBuffer(body) ? body : Buffer.from(body === undefined ? '' : JSON.stringify(body))
  const type = status < 400 ? 'application/json' : 'application/problem+json'
  response.writeHead(status, { 'content-type': type, 'content-length': bytes.byteLength + (cut ? 1 : 0), ...headers })
  if (cut) response.write(bytes, () => setTimeout(() => response.destroy(), 20))
  else response.end(bytes)
}

/** The answer to a failure, as the server words it. */
export function problem(status: number, code: string, more: Readonly<Record<string, unknown>> = {}): ScriptedAnswer {
  return {
    status,
    body: {
      status,
      code,
      title: code,
      detail: `It is ${code}.`,
      request_id: 'request-1',
      retryable: status >= 500,
      ...more,
    },
  }
}
