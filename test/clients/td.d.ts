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
    import(
      database: string,
      table: string,
      format: string,
      stream: NodeJS.ReadableStream,
      size: number,
      uniqueId: string | null,
      callback: Callback,
    ): void
  }
}
