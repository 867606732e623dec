import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['./test/support/emulator-reports.ts'],
    reporters: ['default', './test/support/skip-reporter.ts'],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // By default one core is left to others: of two, half.
    maxWorkers: '100%',
  },
})
