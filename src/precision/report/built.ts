/**
 * What `page/build.mjs` makes of the page: its script and its style sheet. Run from source, as the
 * tests do, it is that of the last build.
 */
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'

const isSource = extname(new URL(import.meta.url).pathname) === '.ts'
const folder = isSource ? '../../../dist/precision/report/page/' : 'page/'

const read = (name: string): string =>
  readFileSync(new URL(`${folder}${name}`, import.meta.url), 'utf8')

export function builtPage(): { readonly script: string; readonly style: string } {
  return { script: read('page.js'), style: read('page.css') }
}
