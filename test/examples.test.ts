/** The examples run as they are printed. They import the built package by its name. */
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const run = (name: string) =>
  promisify(execFile)(process.execPath, [
    fileURLToPath(new URL(`../examples/${name}`, import.meta.url)),
  ])

test('classify.mjs', async () => {
  const { stdout } = await run('classify.mjs')
  expect(stdout).toContain('2 texts, 28 probabilities each')
  expect(stdout).toContain("label: 'gratitude'")
})

test('observe.mjs names modules like PyTorch and shows the parts of attention', async () => {
  const { stdout } = await run('observe.mjs')
  expect(stdout).toMatch(/roberta\.encoder\.layer\.0\.attention\.self\.query +linear +\[8, 320\]/)
  expect(stdout).toMatch(
    /roberta\.encoder\.layer\.0\.attention\.self +attention > softmax +\[1, 5, 8, 8\]/,
  )
})
