/** Writes the HTML report of a comparison, whole or not at all. */
import { writeWholeFile } from '../../write-file.ts'
import type { ComparisonResult } from '../compare/result.ts'
import { reportHtml } from './html.ts'

/**
 * Writes a report of `result` to `path`, replacing a file that is there: one HTML file that opens
 * offline in any browser.
 *
 * @throws FileError where the path cannot be written; nothing is left behind then
 */
export async function writeReport(result: ComparisonResult, path: string): Promise<void> {
  await writeWholeFile(path, reportHtml(result))
}
