import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'

export interface Answer {
  readonly status: number | undefined
  /** Without those that name the moment and the connection. */
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

interface Sent {
  readonly url: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Buffer
}

/** Sends on a connection of its own. The last request on its connection is not for the lane for large bodies. */
export async function sendBy(way: 'lane' | 'server', { url, method, headers, body }: Sent): Promise<Answer> {
  const agent = new Agent({ keepAlive: way === 'lane' })
  const request = httpRequest(url, { agent, method, headers: { ...headers, 'content-length': body.byteLength } })
  request.end(body)
  const [response] = (await once(request, 'response')) as [IncomingMessage]
  const answer = { status: response.statusCode, headers: { ...response.headers }, body: await text(response) }
  agent.destroy()
  for (const name of ['date', 'connection', 'keep-alive']) delete answer.headers[name]
  return answer
}
