/**
 * Every process of a test run that used the emulator, programs that tests start included, leaves a
 * report behind; the run fails unless all of them are without violations and living objects.
 *
 * A test file that plants violations on purpose takes ASCEND_EMULATOR_REPORT out of its environment.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { EmulatorReport } from './emulator-controls.ts'

export function setup(): () => void {
  const folder = mkdtempSync(join(tmpdir(), 'ascend-emulator-reports-'))
  process.env.ASCEND_EMULATOR_REPORT = folder
  return () => {
    const reports = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'))
    rmSync(folder, { recursive: true })
    const dirty = reports.filter((text) => {
      const { violations, live } = JSON.parse(text) as EmulatorReport
      return violations.length > 0 || Object.values(live).some((count) => count > 0)
    })
    console.log(
      `Reports of the emulator: ${reports.length} processes, ${dirty.length} with violations or living objects.`,
    )
    if (dirty.length > 0) throw new Error(`the emulator reports:\n${dirty.join('\n')}`)
  }
}
