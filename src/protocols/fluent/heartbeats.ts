import { createSocket } from 'node:dgram'
import type { Socket } from 'node:dgram'
import { once } from 'node:events'

/** A longer datagram is no heartbeat (forward protocol v1, “Heartbeat Messages”). */
const heartbeatBytesMax = 128

const answer = Buffer.from([0])

/** Answers heartbeats over UDP, by which older clients tell whether a server is there. */
export async function answerHeartbeats(host: string, port: number): Promise<Socket> {
  const socket = createSocket(host.includes(':') ? 'udp6' : 'udp4')
  socket.on('message', (message, sender) => {
    if (message.byteLength <= heartbeatBytesMax) socket.send(answer, sender.port, sender.address, () => {})
  })
  socket.bind(port, host)
  await once(socket, 'listening')
  // What goes wrong with one datagram is no reason to stop.
  socket.on('error', () => {})
  return socket
}
