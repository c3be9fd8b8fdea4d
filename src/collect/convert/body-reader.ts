import type { Disk, DiskFile } from '../../base/disk.ts'
import { assert } from '../../base/errors.ts'
import type { ConvertBody } from './tasks.ts'

/** How much is read at once where bodies are smaller: thousands of events lie side by side, and a call costs more than its bytes. */
const windowBytes = 256 * 1024

type BodyPlace = Pick<ConvertBody, 'path' | 'offset' | 'bytes'>

/** Reads bodies, which mostly lie one behind the other in one file. */
export class BodyReader {
  readonly #disk: Disk
  #open: { readonly path: string; readonly file: DiskFile } | undefined
  /** What was read last: bytes of the open file from `#windowFrom` on. */
  #window: Buffer = Buffer.alloc(0)
  #windowFrom = 0

  constructor(disk: Disk) {
    this.#disk = disk
  }

  /** The body, which may lie in `room`, if it is not read along with others. */
  async read(place: BodyPlace, room?: Buffer): Promise<Buffer> {
    const known = this.inWindow(place)
    if (known !== undefined) return known
    const { path, offset, bytes } = place
    const file = await this.#fileAt(path)
    if (bytes >= windowBytes) return whole(await file.read(offset, bytes, room), bytes)
    this.#window = await file.read(offset, windowBytes)
    this.#windowFrom = offset
    return whole(this.#window.subarray(0, bytes), bytes)
  }

  /** The body where it was read already with one before it: nobody is waited for then. */
  inWindow({ path, offset, bytes }: BodyPlace): Buffer | undefined {
    const start = offset - this.#windowFrom
    if (path !== this.#open?.path || start < 0 || start + bytes > this.#window.byteLength) return undefined
    return this.#window.subarray(start, start + bytes)
  }

  async close(): Promise<void> {
    const open = this.#open
    this.#open = undefined
    await open?.file.close()
  }

  async #fileAt(path: string): Promise<DiskFile> {
    if (this.#open?.path === path) return this.#open.file
    await this.close()
    const file = await this.#disk.open(path, 'read')
    this.#open = { path, file }
    this.#window = Buffer.alloc(0)
    this.#windowFrom = 0
    return file
  }
}

function whole(body: Buffer, bytes: number): Buffer {
  assert(body.byteLength === bytes, 'a body is as long as its frame says')
  return body
}
