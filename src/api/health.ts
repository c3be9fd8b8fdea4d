import type { Clock } from '../base/clock.ts'

/** Something that the server cannot work without; `check` rejects while it is away. */
export interface Dependency {
  /** As it is shown: `database`, `object_store`. */
  readonly name: string
  check(): Promise<void>
}

export interface CheckedDependency {
  readonly name: string
  readonly ok: boolean
  readonly detail: string | null
}

const checkMsMax = 3000

/** Asks all at once. What does not answer in three seconds is away. */
export function checkDependencies(dependencies: readonly Dependency[], clock: Clock): Promise<CheckedDependency[]> {
  return Promise.all(dependencies.map((dependency) => checkOne(dependency, clock)))
}

async function checkOne(dependency: Dependency, clock: Clock): Promise<CheckedDependency> {
  const answered = new AbortController()
  const late = clock.sleep(checkMsMax, answered.signal).then(() => `It did not answer in ${checkMsMax / 1000} s.`)
  const detail = await Promise.race([dependency.check().then(() => null, describe), late])
  answered.abort()
  return { name: dependency.name, ok: detail === null, detail }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
