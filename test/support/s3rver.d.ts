declare module '@20minutes/s3rver' {
  type Query = Record<string, string | string[] | undefined>

  /** The parts of the S3-compatible test server that the tests use; the package ships no types. */
  export default class S3rver {
    constructor(options: {
      directory: string
      address: string
      port: number
      silent: boolean
      allowMismatchedSignatures?: boolean
      configureBuckets: { name: string; configs: string[] }[]
    })
    /** It is a Koa application. */
    readonly middleware: ((context: { query: Query }, next: () => Promise<void>) => Promise<void>)[]
    run(): Promise<unknown>
    close(): Promise<void>
  }
}
