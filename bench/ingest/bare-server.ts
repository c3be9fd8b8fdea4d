import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** The yardstick of single events: a server that reads a body and answers, and does nothing else. */
const server = createServer((request, response) => {
  request.on('end', () => {
    response.writeHead(202, { 'content-type': 'application/json', 'content-length': 2 })
    response.end('{}')
  })
  request.resume()
})
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit(0))
