/** The report as a file: whole or not at all, self-contained, and bounded. */
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { FileError } from '../../../src/errors.ts'
import { dataBlock } from '../../../src/precision/report/data-block.ts'
import { replacer, reviver } from '../../../src/precision/report/numbers.ts'
import { chosenTexts } from '../../../src/precision/report/texts.ts'
import { writeReport } from '../../../src/precision/report/write-report.ts'
import { comparisonResult, harmfulText } from '../../support/comparison-result.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
})
afterEach(() => rm(folder, { recursive: true }))

describe('writing', () => {
  test('replaces a file and leaves nothing else', async () => {
    const path = join(folder, 'out.html')
    await writeFile(path, 'before')
    await writeReport(comparisonResult(), path)
    const html = await readFile(path, 'utf8')
    expect(html.slice(0, 15)).toBe('<!doctype html>')
    expect(html.slice(-8)).toBe('</html>\n')
    expect(await readdir(folder)).toEqual(['out.html'])
  })

  test('a path that cannot be written is a typed error, and nothing is left', async () => {
    await mkdir(join(folder, 'taken'))
    await writeFile(join(folder, 'file'), '')
    for (const path of ['missing/out.html', 'taken', 'file/out.html', `${'x'.repeat(300)}.html`]) {
      const error: unknown = await writeReport(comparisonResult(), join(folder, path)).catch(
        (it) => it,
      )
      expect(error).toBeInstanceOf(FileError)
      expect((error as FileError).path).toBe(join(folder, path))
    }
    expect((await readdir(folder)).sort()).toEqual(['file', 'taken'])
  })

  test('a report of few texts is below a megabyte', async () => {
    const path = join(folder, 'out.html')
    await writeReport(comparisonResult(), path)
    expect((await stat(path)).size).toBeLessThan(1e6)
  })
})

describe('the document', () => {
  test('names no other place, and two scripts of its own', async () => {
    const path = join(folder, 'out.html')
    await writeReport(comparisonResult(), path)
    const html = await readFile(path, 'utf8')
    const head = html.slice(0, html.indexOf('<noscript>'))
    expect(head.match(/https?:|\ssrc=|url\(|@import/g)).toBe(null)
    expect(head.match(/href="[^"]*"/g)).toEqual(['href="data:,"'])
    expect(head.match(/content="default-src 'none'; script-src 'sha256-/g)).toHaveLength(1)
    expect(head.match(/<title>.*<\/title>/)![0]).toBe(
      '<title>emulator float32 against cpu float32: a model &lt;b&gt;</title>',
    )
    expect(html.match(/<script/g)).toHaveLength(2)
    expect(html.match(/<img/g)).toBe(null)
  })
})

describe('the data within', () => {
  const encode = (data: unknown): string => JSON.stringify(data, replacer)
  const decode = (json: string): unknown => JSON.parse(json, reviver)

  test('comes out as it went in', () => {
    const data = {
      text: harmfulText,
      numbers: [0.1, -1.5e-300, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
      cosine: 1 - 2 ** -53,
    }
    expect(decode(encode(data))).toEqual(data)
    expect(dataBlock(data)).toMatch(/^[\w+/=]+$/)
  })

  test('keeps what tells float32 values apart', () => {
    const neighbours = [16777215, 16777216, 1.00000012, 1.00000024]
    expect(decode(encode(neighbours.map(Math.fround)))).toEqual(neighbours)
    expect(encode(1 / 3)).toBe('0.333333333')
  })

  test('of many texts those that differ most', () => {
    const few = comparisonResult(500)
    expect(chosenTexts(few).texts).toEqual(few.texts)
    const { texts, textsCompared } = chosenTexts(comparisonResult(600))
    expect(textsCompared).toBe(600)
    expect(texts).toHaveLength(500)
    // The flip, and of the others the largest errors, which grow with the index.
    expect(texts.map(({ index }) => index)).toEqual([
      1,
      ...Array.from({ length: 499 }, (_, index) => index + 101),
    ])
  })
})
