/** The part of Woothee that is used here; the package has no types of its own. */
declare module 'woothee' {
  export function parse(agent: string): Readonly<Record<string, string>>
}
