import { hiveFunctions } from './hive-functions.ts'
import { prestoFunctions } from './presto-functions.ts'
import { treasureDataTime } from './treasure-data-time.ts'
import { treasureDataValues } from './treasure-data-values.ts'

/**
 * Every function that SQL has with us beside DuckDB's own, as CREATE MACRO takes it: parameters and body. None has the name of a
 * function of DuckDB, so that the SQL of views and projections means what it says beside them.
 */
export const macros: ReadonlyMap<string, string> = new Map(
  Object.entries<string>({ ...treasureDataTime, ...treasureDataValues, ...prestoFunctions, ...hiveFunctions }),
)

/** Those that are meant for queries. */
export const functionNames: readonly string[] = [...macros.keys()].filter((name) =>
  /^(?!presto_|hive_)[a-z]/.test(name),
)
