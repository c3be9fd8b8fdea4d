/**
 * Whether PostgreSQL may sync the whole file system before it recovers from a crash, by one call, instead of each of its thousand
 * files: two seconds less where a sync takes two milliseconds. Linux alone has that call, and since 5.8 it says when a write failed.
 */
export function syncsWholeDisk(platform: NodeJS.Platform, release: string): boolean {
  const [major = 0, minor = 0] = release.split('.').map(Number)
  return platform === 'linux' && (major > 5 || (major === 5 && minor >= 8))
}
