/** Prints every skipped test with its reason after the run, so that no skip goes unseen. */
import type { Reporter, TestCase, TestModule } from 'vitest/node'

export default class SkipReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const skipped: TestCase[] = []
    for (const module of modules) skipped.push(...module.children.allTests('skipped'))
    if (skipped.length === 0) return
    console.log(`${skipped.length} tests were skipped:`)
    for (const test of skipped) {
      const result = test.result()
      const reason = result.state === 'skipped' ? result.note : undefined
      console.log(`  ${test.module.relativeModuleId} > ${test.fullName}: ${reason ?? 'no reason'}`)
    }
  }
}
