import type { Disk } from '../../src/base/disk.ts'
import { DiskImage, diskOver } from './disk-image.ts'

/** What every call answers once the power is gone. */
export class PowerCut extends Error {}

/** A disk in memory that loses, tears and reorders what was not synced (see `DiskImage`), and whose power can be cut. */
export class SimulatedDisk implements Disk {
  readonly #random: () => number
  readonly #image: DiskImage
  readonly #disk: Disk
  #power = { on: true }
  #calls = 0
  #cutAt = Infinity

  constructor(random: () => number) {
    this.#random = random
    this.#image = new DiskImage(random)
    this.#disk = diskOver(
      this.#image,
      () => this.#call(),
      () => {
        const power = this.#power
        return () => this.#call(power)
      },
    )
  }

  /** How many calls there were since the power came. */
  get calls(): number {
    return this.#calls
  }

  /** Cuts the power at the call of this number. */
  cutPowerAt(call: number): void {
    this.#cutAt = call
  }

  limitBytes = (bytesMax: number): void => this.#image.limitBytes(bytesMax)
  fail = (error: Error | undefined): void => this.#image.fail(error)
  flip = (path: string, offset: number): void => this.#image.flip(path, offset)

  /** Takes the power away where it is still on, decides what is left, and gives it back. */
  restart(): void {
    this.#power.on = false
    this.#power = { on: true }
    this.#calls = 0
    this.#cutAt = Infinity
    this.#image.losePower()
  }

  open: Disk['open'] = (path, mode) => this.#disk.open(path, mode)
  makeDirectory: Disk['makeDirectory'] = (path) => this.#disk.makeDirectory(path)
  list: Disk['list'] = (path) => this.#disk.list(path)
  size: Disk['size'] = (path) => this.#disk.size(path)
  stat: Disk['stat'] = (path) => this.#disk.stat(path)
  rename: Disk['rename'] = (from, to) => this.#disk.rename(from, to)
  link: Disk['link'] = (from, to) => this.#disk.link(from, to)
  remove: Disk['remove'] = (path) => this.#disk.remove(path)
  removeDirectory: Disk['removeDirectory'] = (path) => this.#disk.removeDirectory(path)
  syncDirectory: Disk['syncDirectory'] = (path) => this.#disk.syncDirectory(path)

  /** Every call takes a turn of the event loop, or several, so that those under way overtake each other. */
  async #call(power: { readonly on: boolean } = this.#power): Promise<void> {
    for (let turns = Math.floor(this.#random() * 3); turns >= 0; turns -= 1) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    this.#calls += 1
    if (this.#calls >= this.#cutAt) this.#power.on = false
    if (!power.on || !this.#power.on) throw new PowerCut('the power is gone')
  }
}
