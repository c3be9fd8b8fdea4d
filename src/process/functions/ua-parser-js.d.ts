/** The part of UAParser.js that is used here; the package has no types of its own. */
declare module 'ua-parser-js' {
  export class UAParser {
    constructor(agent: string)
    getBrowser(): { readonly name?: string; readonly version?: string }
    getOS(): { readonly name?: string; readonly version?: string }
    getDevice(): { readonly vendor?: string; readonly model?: string }
  }
}
