import type { Socket } from 'node:net'

import type { Principal } from '../../access/access.ts'
import { AppError, isAppError } from '../../base/errors.ts'
import type { ForwardDoor } from './door.ts'
import { FrameCutter } from './frame-cutter.ts'
import { BrokenFrame } from './frame.ts'
import type { Frame } from './frame.ts'
import { heloOf, knowsKey, knowsPassword, pingOf, pongOf, refusalOf } from './handshake.ts'
import type { Ping } from './handshake.ts'
import type { PieceReader } from './piece-reader.ts'
import type { SenderRule } from './senders.ts'

const saltBytes = 16

/** More is no PING, and nobody is known yet. */
const answerBytesMax = 8192

/** As whom a client sends. The key is asked for again with each message: it may be revoked. */
export interface Sender {
  readonly apiKey: string
  readonly principal: Principal
}

/**
 * Finds out as whom a client sends, by its address alone or by the handshake. Fails with `unauthenticated`, and then the client was
 * told why. Undefined where it went away.
 */
export async function admit(door: ForwardDoor, socket: Socket, reader: PieceReader): Promise<Sender | undefined> {
  const rule = door.ruleFor(socket.remoteAddress ?? '')
  if (rule === undefined) throw refused(`No rule lets ${socket.remoteAddress} send.`)
  if (rule.sharedKey === '') {
    return { apiKey: rule.apiKey, principal: await door.access.authenticate(rule.apiKey) }
  }
  const nonce = door.randomness.bytes(saltBytes)
  const mustSayWho = rule.apiKey === '' || rule.users.length > 0
  const userSalt = mustSayWho ? door.randomness.bytes(saltBytes) : undefined
  socket.write(heloOf({ nonce, userSalt }))
  const answer = await answerToHelo(door, reader)
  if (answer === undefined) return undefined
  try {
    const ping = pingOf(answer)
    if (ping.hostname === door.hostname) throw refused(`The client has the server’s name, ${door.hostname}.`)
    if (!knowsKey(ping, nonce, rule.sharedKey)) throw refused('The shared key is another one.')
    const apiKey = userSalt === undefined ? rule.apiKey : apiKeyOf(ping, rule, userSalt)
    const principal = await door.access.authenticate(apiKey)
    socket.write(pongOf(ping, nonce, rule.sharedKey, door.hostname))
    return { apiKey, principal }
  } catch (error) {
    if (isAppError(error) || error instanceof BrokenFrame) socket.write(refusalOf(error.message))
    throw error
  }
}

/** Clients say nothing behind it until they have heard PONG. */
async function answerToHelo(door: ForwardDoor, reader: PieceReader): Promise<Frame | undefined> {
  const { clock, limits } = door
  const cutter = new FrameCutter(answerBytesMax)
  const endMs = clock.monotonicMs() + limits.handshakeMsMax
  for (;;) {
    const leftMs = endMs - clock.monotonicMs()
    const piece = leftMs <= 0 ? 'silence' : await reader.next(leftMs)
    if (piece === 'end') return undefined
    if (piece === 'silence') throw refused(`No answer to HELO came within ${limits.handshakeMsMax / 1000} s.`)
    for (const frame of cutter.push(piece)) return frame
  }
}

/**
 * A client names a user of its rule and proves that it knows the password, or it names an API key itself: keys are secrets, of
 * which the server keeps too little to check a digest with. So several accounts can share one port.
 */
function apiKeyOf(ping: Ping, rule: SenderRule, userSalt: Buffer): string {
  const { username } = ping
  const user = rule.users.find(({ name }) => name === username)
  if (user !== undefined) {
    if (knowsPassword(ping, userSalt, user.password)) return user.apiKey
    throw refused(`The password of ${JSON.stringify(username)} is another one.`)
  }
  if (username.includes('/')) return username
  if (username === '' && rule.apiKey !== '') return rule.apiKey
  throw refused('The client names no user that there is, and no API key.')
}

function refused(message: string): AppError {
  return new AppError('unauthenticated', message, {
    hint: 'See the settings of the forward port, and docs/fluentd.md.',
  })
}
