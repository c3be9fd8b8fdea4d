import { constants, openSync, write, writeSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'

/**
 * The yardstick of acknowledgements: a server that writes each body to a file, durably, and answers. What it takes on a machine that is
 * busy with something else is what that machine gives to a process that has next to nothing to do.
 */
const directory = process.argv[2] ?? '.'
const fileBytes = 16 << 20

const file = openSync(join(directory, 'durable'), constants.O_RDWR | constants.O_CREAT)
for (let at = 0; at < fileBytes; at += 1 << 20) writeSync(file, Buffer.alloc(1 << 20), 0, 1 << 20, at)
const durable = openSync(join(directory, 'durable'), constants.O_WRONLY | constants.O_DSYNC)

let next = 0
const server = createServer((request, response) => {
  const parts: Buffer[] = []
  request.on('data', (part: Buffer) => parts.push(part))
  request.on('end', () => {
    const body = Buffer.concat(parts)
    const at = next + body.byteLength > fileBytes ? 0 : next
    next = at + body.byteLength
    write(durable, body, 0, body.byteLength, at, (error) => {
      response.writeHead(error === null ? 202 : 500, { 'content-type': 'application/json', 'content-length': 2 })
      response.end('{}')
    })
  })
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit(0))
