import type { Clock } from '../base/clock.ts'
import { roomWaitersMax, roomWaitMsMax } from './limits.ts'

interface Waiter {
  readonly bytes: number
  readonly look: () => void
}

/** Where bodies that were announced wait for room, unread, while their connections bring nothing else. */
export class WaitingRoom {
  readonly #clock: Clock
  /** In the order in which they came. */
  readonly #waiters = new Set<Waiter>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Resolves with the room as soon as `takeRoom` finds some; with undefined where it found none in `roomWaitMsMax`, or at once where too many wait. */
  wait<Room>(bytes: number, takeRoom: () => Room | undefined): Promise<Room | undefined> {
    if (this.#waiters.size >= roomWaitersMax) return Promise.resolve(undefined)
    return new Promise((resolve) => {
      const leave = (room: Room | undefined): void => {
        cancel()
        this.#waiters.delete(waiter)
        resolve(room)
      }
      const look = (): void => {
        const room = takeRoom()
        if (room !== undefined) leave(room)
      }
      const cancel = this.#clock.schedule(roomWaitMsMax, () => leave(takeRoom()))
      const waiter: Waiter = { bytes, look }
      this.#waiters.add(waiter)
    })
  }

  /** So many bytes made room: as many of those that wait look whether it is enough, the first that came first. No more, for they all would see it. */
  freed(bytes: number): void {
    let left = bytes
    for (const { bytes: wanted, look } of this.#waiters) {
      look()
      left -= wanted
      if (left <= 0) return
    }
  }
}
