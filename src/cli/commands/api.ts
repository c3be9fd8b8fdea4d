import type { Command } from 'commander'

import type { Method } from '../client.ts'
import { usage } from '../failure.ts'
import { connect, withConnection } from '../session.ts'
import type { CommonOptions } from '../session.ts'
import { write } from '../terminal.ts'
import type { Terminal } from '../terminal.ts'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

export function defineApi(command: Command, terminal: Terminal): void {
  withConnection(command)
    .argument('<method>', methods.join(', '))
    .argument('<path>', 'below /api/v1, such as /databases; with or without it')
    .option('--data <text>', 'the body; - reads standard input')
    .option('--content-type <type>', 'of the body', 'application/json')
    .action(async (method: string, path: string, flags: CommonOptions & { data?: string; contentType: string }) => {
      const client = await connect(terminal, flags)
      const below = `/${path.replace(/^\/?(api\/v1)?\/?/, '')}`
      const body = flags.data === undefined ? undefined : await readBody(terminal, flags.data)
      const response = await client.send(requireMethod(method), below, {
        headers: { accept: '*/*', ...(body !== undefined && { 'content-type': flags.contentType }) },
        ...(body !== undefined && { body }),
      })
      for await (const chunk of response.body ?? []) await write(terminal.stdout, chunk)
    })
}

function requireMethod(text: string): Method {
  const method = methods.find((known) => known === text.toUpperCase())
  if (method !== undefined) return method
  throw usage(`“${text}” is not a method of the API.`, `Use one of: ${methods.join(', ')}.`)
}

async function readBody(terminal: Terminal, data: string): Promise<Buffer> {
  if (data !== '-') return Buffer.from(data)
  const chunks: Buffer[] = []
  for await (const chunk of terminal.stdin) chunks.push(Buffer.from(chunk as Uint8Array))
  return Buffer.concat(chunks)
}
