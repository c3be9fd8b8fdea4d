declare module '@20minutes/s3rver' {
  /** The parts of the S3-compatible test server that the tests use; the package ships no types. */
  export default class S3rver {
    constructor(options: {
      directory: string
      address: string
      port: number
      silent: boolean
      configureBuckets: { name: string; configs: string[] }[]
    })
    run(): Promise<unknown>
    close(): Promise<void>
  }
}
