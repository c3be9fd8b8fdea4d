import { linkSync, mkdirSync, readdirSync, rmSync, unlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { errno } from '../../../base/disk.ts'
import type { OpenSession, Session, SessionLimits } from '../../../base/duckdb/session.ts'
import { lockDown, openSession } from '../../../base/duckdb/session.ts'
import { isAlive } from '../../../base/process-table.ts'
import { computedNames, registerComputed } from './computed-functions.ts'
import { settingsFor } from './make-functions.ts'
import type { EngineLimits, KeptTerms, QueryMoment } from './tasks.ts'

/** Whose queries may follow each other in one instance, and what it is opened with. */
export interface WindowTerms extends KeptTerms, Pick<QueryMoment, 'integerDivision'> {
  readonly limits: EngineLimits
}

/** A session that sees nothing but what was linked into its window; what it makes is undone by the end of its transaction. */
export interface Window {
  readonly session: Session
  /** A path that leads to the same file, until the query is over. */
  link(file: string): string
  /** Makes an empty file and answers the path by which the session writes it. */
  linkNew(file: string): string
}

interface KeptWindow {
  readonly terms: string
  readonly directory: string
  readonly session: OpenSession
}

/** How many wait for the next query of their owners; each takes a few megabytes and a thread. */
const keptMax = 4

/**
 * Instances that are kept. To open one and close it takes more of a processor than a small query does, so each serves one query of
 * its owner after the other. It is locked once, before anybody's text comes near it, to a directory of its own: its window. What a
 * query reads and writes is linked into that for as long as it runs, under names that never come again; its views and macros go
 * with its transaction. One that a query failed in is closed, and so is the one that nobody used for longest. It cannot spill.
 */
export class Windows {
  readonly #kept: KeptWindow[] = []
  #opened = 0
  #linked = 0

  /** A transaction is for those that make something besides asking; beginning it and rolling it back takes a tenth of a small query. */
  async within<T>(
    terms: WindowTerms,
    how: 'in a transaction' | 'without a transaction',
    body: (window: Window) => Promise<T>,
  ): Promise<T> {
    const window = await this.#take(terms)
    const links: string[] = []
    const nextLink = (): string => {
      const path = join(window.directory, `${(this.#linked += 1)}.parquet`)
      links.push(path)
      return path
    }
    const link = (file: string): string => {
      const path = nextLink()
      linkSync(file, path)
      return path
    }
    const linkNew = (file: string): string => {
      mkdirSync(dirname(file), { recursive: true })
      writeFileSync(file, '')
      return link(file)
    }
    try {
      if (how === 'in a transaction') await window.session.run('begin')
      const answer = await body({ session: window.session, link, linkNew })
      if (how === 'in a transaction') await window.session.run('rollback; reset search_path')
      this.#keep(window)
      return answer
    } catch (error) {
      close(window)
      throw error
    } finally {
      for (const path of links) unlink(path)
    }
  }

  async #take(terms: WindowTerms): Promise<KeptWindow> {
    const wanted = JSON.stringify([terms.owner, terms.integerDivision ?? false, terms.limits])
    const place = this.#kept.findIndex((kept) => kept.terms === wanted)
    return this.#kept.splice(place, place < 0 ? 0 : 1)[0] ?? (await this.#open(terms, wanted))
  }

  #keep(window: KeptWindow): void {
    this.#kept.push(window)
    if (this.#kept.length > keptMax) this.#kept.splice(0, 1).forEach(close)
  }

  async #open(terms: WindowTerms, wanted: string): Promise<KeptWindow> {
    if (this.#opened === 0) removeOfDeadProcesses(terms.windows)
    const directory = join(terms.windows, `${process.pid}.${(this.#opened += 1)}`)
    mkdirSync(directory, { recursive: true })
    const session = await openSession(windowLimits(terms))
    for (const name of computedNames) registerComputed(session, name)
    // Nothing that is remembered of a file may pass for another one.
    await session.run(['set enable_external_file_cache = false;', ...settingsFor(terms)].join('\n'))
    await lockDown(session, [], directory)
    return { terms: wanted, directory, session }
  }
}

function windowLimits({ limits }: WindowTerms): SessionLimits {
  return { ...limits, temporaryBytes: 0, spillDirectory: null }
}

/** One call of the system; a `rmSync` makes three, for each file of each query. */
function unlink(path: string): void {
  try {
    unlinkSync(path)
  } catch (error) {
    // It went with its window, or never came to be.
    if (errno(error) !== 'ENOENT') throw error
  }
}

function close({ session, directory }: KeptWindow): void {
  session.close()
  rmSync(directory, { recursive: true, force: true })
}

/** What was linked when an engine was killed keeps the room of a file that may have been removed since. Ids come again. */
function removeOfDeadProcesses(directory: string): void {
  mkdirSync(directory, { recursive: true })
  for (const name of readdirSync(directory)) {
    const pid = Number(name.split('.')[0])
    if (pid === process.pid || !isAlive(pid)) rmSync(join(directory, name), { recursive: true, force: true })
  }
}
