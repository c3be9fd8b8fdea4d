declare module 'woothee' {
  /** What a User-Agent says; parts that are not known are "UNKNOWN". The package ships no types. */
  interface Agent {
    readonly name: string
    readonly version: string
    readonly os: string
    readonly os_version: string
  }
  const woothee: { parse(userAgent: string): Agent }
  export default woothee
}
