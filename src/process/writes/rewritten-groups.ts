import type { Chunk, NewChunk } from '../../store/store.ts'
import type { QueryContext } from '../query-context.ts'
import type { Division, Rewritten } from './rewrite-chunks.ts'
import { groupsOf, rewriteGroup } from './rewrite-chunks.ts'

/**
 * Rewrites chunks in groups, and remembers what came of each: when another commit came first and the statement is planned
 * anew, only what is new has to be looked at. Otherwise a long statement would never be done beside merges.
 */
export class RewrittenGroups {
  readonly #context: QueryContext
  /** By the version of the columns and the ids of the chunks. */
  readonly #known = new Map<string, { readonly ids: readonly string[]; readonly rewritten: Rewritten }>()

  constructor(context: QueryContext) {
    this.#context = context
  }

  async rewrite(chunks: readonly Chunk[], prepare: () => Promise<Division>): Promise<Rewritten> {
    const removed: Chunk[] = []
    const added: NewChunk[] = []
    let runMs = 0
    if (chunks.length === 0) return { removed, added, runMs }
    const division = await prepare()
    // What other tables say may be another thing by now.
    if (division.going.scans.length > 1) this.#known.clear()
    const version = division.snapshot.table.schemaVersion
    for (const group of groupsOf(
      chunks,
      [...this.#known.values()].map(({ ids }) => ids),
    )) {
      this.#context.attempt.signal.throwIfAborted()
      const ids = group.map(({ id }) => id)
      const key = `${version} ${ids.join(' ')}`
      const known = this.#known.get(key)
      const rewritten = known?.rewritten ?? (await rewriteGroup(this.#context, division, group))
      this.#known.set(key, { ids, rewritten })
      removed.push(...rewritten.removed)
      added.push(...rewritten.added)
      runMs += known === undefined ? rewritten.runMs : 0
    }
    return { removed, added, runMs }
  }
}
