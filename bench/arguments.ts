/** The value of `--name=value` on the command line. */
export function argument(name: string): string | undefined {
  return process.argv.find((of) => of.startsWith(`--${name}=`))?.slice(name.length + 3)
}

export function numberArgument(name: string, fallback: number): number {
  return Number(argument(name) ?? fallback)
}
