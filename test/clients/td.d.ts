declare module 'td' {
  type Callback = (error: Error | null, answer: unknown) => void

  /** What the tests call of the client; it has no types of its own. */
  export class TDClient {
    constructor(apikey: string, options: { host: string; protocol: string })
    serverStatus(callback: Callback): void
    listDatabases(callback: Callback): void
    createDatabase(database: string, callback: Callback): void
    deleteDatabase(database: string, callback: Callback): void
    listTables(database: string, callback: Callback): void
    createLogTable(database: string, table: string, callback: Callback): void
    createItemTable(database: string, table: string, callback: Callback): void
    swapTable(database: string, table: string, other: string, callback: Callback): void
    updateSchema(database: string, table: string, schema: unknown, callback: Callback): void
    deleteTable(database: string, table: string, callback: Callback): void
    tail(database: string, table: string, callback: Callback): void
    prestoQuery(database: string, query: string, callback: Callback): void
    hiveQuery(database: string, query: string, options: object, callback: Callback): void
    showJob(job: string, callback: Callback): void
    jobResult(job: string, format: string, callback: Callback): void
    listJobs(from: number, callback: Callback): void
    kill(job: string, callback: Callback): void
    createSchedule(name: string, options: object, callback: Callback): void
    listSchedules(callback: Callback): void
    runSchedule(name: string, time: number, callback: Callback): void
    deleteSchedule(name: string, callback: Callback): void
    import(
      database: string,
      table: string,
      format: string,
      stream: NodeJS.ReadableStream,
      size: number,
      uniqueId: string | null,
      callback: Callback,
    ): void
    createBulkImport(name: string, database: string, table: string, callback: Callback): void
    bulkImportUploadPart(name: string, part: string, stream: NodeJS.ReadableStream, callback: Callback): void
    bulkImportDeletePart(name: string, part: string, callback: Callback): void
    listBulkImportParts(name: string, callback: Callback): void
    performBulkImport(name: string, callback: Callback): void
    showBulkImport(name: string, callback: Callback): void
    commitBulkImport(name: string, callback: Callback): void
    listBulkImports(callback: Callback): void
    deleteBulkImport(name: string, callback: Callback): void
  }
}
