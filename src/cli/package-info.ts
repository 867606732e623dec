/** What package.json says of this program. */
import { readFileSync } from 'node:fs'

export interface PackageInfo {
  readonly version: string
  readonly description: string
}

export function packageInfo(): PackageInfo {
  const file = new URL('../../package.json', import.meta.url)
  return JSON.parse(readFileSync(file, 'utf8')) as PackageInfo
}
