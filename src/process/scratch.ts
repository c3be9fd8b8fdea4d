/**
 * A directory of one attempt alone. Whoever needs it makes it, and it is removed afterwards, unless it is known that nothing came to lie
 * in it, as after most small queries: to ask the disk takes as long as a tenth of what the worker does for one.
 */
export class Scratch {
  readonly path: string
  #runs = 0

  constructor(path: string) {
    this.path = path
  }

  /** Before a run that may leave files here. */
  lend(): void {
    this.#runs += 1
  }

  /** After a run that left none. One that failed may have. */
  giveBackEmpty(): void {
    this.#runs -= 1
  }

  get mayHaveFiles(): boolean {
    return this.#runs > 0
  }
}
