import type { Clock } from '../base/clock.ts'
import { roomWaitersMax, roomWaitMsMax } from './limits.ts'

interface Waiter {
  readonly bytes: number
  /** Whether there was room, which the waiter has then. */
  readonly look: () => boolean
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
      const look = (): boolean => {
        const room = takeRoom()
        if (room !== undefined) leave(room)
        return room !== undefined
      }
      const cancel = this.#clock.schedule(roomWaitMsMax, () => leave(takeRoom()))
      const waiter: Waiter = { bytes, look }
      this.#waiters.add(waiter)
    })
  }

  /**
   * So many bytes made room: those that wait look, the first that came first, until as many have taken it. Who finds none, because it is the
   * room of another account, keeps it from nobody behind.
   */
  freed(bytes: number): void {
    let left = bytes
    for (const { bytes: wanted, look } of this.#waiters) {
      if (look()) left -= wanted
      if (left <= 0) return
    }
  }
}
