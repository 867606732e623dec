/**
 * Data within an HTML document: JSON, compressed to a tenth, in base64. So no text in it can end the
 * element that it stands in. `page/data.ts` reads it.
 */
import { gzipSync } from 'node:zlib'
import { replacer } from './numbers.ts'

export function dataBlock(data: unknown): string {
  return gzipSync(JSON.stringify(data, replacer)).toString('base64')
}
