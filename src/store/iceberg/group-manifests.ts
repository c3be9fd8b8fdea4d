/** The most chunks that one manifest lists: some hundred kilobytes, which a reader gets in one request. */
export const manifestEntriesMax = 4000

/** Manifests below this are small, and merged when there are many of them: each load of a growing table adds one. */
const smallEntries = 1000
const smallManifestsMax = 8

interface Candidate {
  readonly object_key: string
  readonly added_files: number
  readonly existing_files: number
}

/**
 * Which of the manifests are written anew: those that list chunks which are gone, and all small ones once they are many. A
 * chunk is so rewritten a few times at most, and a table of a million chunks has a few hundred manifests.
 */
export function manifestsToReplace(current: readonly Candidate[], broken: ReadonlySet<string>): string[] {
  const small = current.filter((each) => each.added_files + each.existing_files < smallEntries)
  const isMany = small.filter((each) => !broken.has(each.object_key)).length > smallManifestsMax
  const merged = new Set(isMany ? small.map((each) => each.object_key) : [])
  return current.map((each) => each.object_key).filter((key) => broken.has(key) || merged.has(key))
}
