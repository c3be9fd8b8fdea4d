import { once } from 'node:events'
import { createServer } from 'node:net'

/** The kernel gives away ports from here on (ip_local_port_range of ip(7)). */
const firstGivenAway = 32_768

/**
 * A port that nobody listens on. It is none of those that the kernel gives away, to connections and to whoever asks for any port: such a
 * one may be taken before it is used, while other tests run, and whoever connects to it while nobody listens may even get it himself.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 10_000 + Math.floor(Math.random() * (firstGivenAway - 10_000))
    const server = createServer().listen(port, '127.0.0.1')
    const [failure] = await Promise.race([once(server, 'listening'), once(server, 'error')]).catch((error) => [error])
    if (failure !== undefined) continue
    server.close()
    await once(server, 'close')
    return port
  }
}
