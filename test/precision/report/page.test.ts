/** The report in a real browser: drawn, sorted, filtered, safe, and silent on the network. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { ComparisonResult, OperatorComparison } from '../../../src/precision/compare/result.ts'
import { writeReport } from '../../../src/precision/report/write-report.ts'
import { chromiumPath, launchChromium } from '../../support/chromium.ts'
import {
  comparisonResult,
  harmfulText,
  labels,
  operators,
  sample,
} from '../../support/comparison-result.ts'

let browser: Browser
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
  if (chromiumPath !== undefined) browser = await launchChromium()
})
afterAll(async () => {
  await browser?.close()
  await rm(folder, { recursive: true })
})

beforeEach((context) => {
  context.skip(chromiumPath === undefined, 'needs Chromium, at CHROMIUM or /usr/bin/chromium')
})

/** Errors and warnings of the console, and requests of anything but the report. */
let complaints: string[]
afterEach(() => expect(complaints ?? []).toEqual([]))

async function opened(
  options: BrowserContextOptions = {},
  result: ComparisonResult = comparisonResult(),
): Promise<Page> {
  const path = join(folder, 'report.html')
  await writeReport(result, path)
  complaints = []
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options })
  page.on('console', (message) => complaints.push(`${message.type()}: ${message.text()}`))
  page.on('pageerror', (error) => complaints.push(String(error)))
  const url = pathToFileURL(path).href
  page.on('request', (request) => {
    // The icon is written out in the document.
    if (request.url() !== url && request.url() !== 'data:,') complaints.push(request.url())
  })
  await page.goto(url)
  return page
}

const figure = (page: Page, name: string): Locator =>
  page.getByRole('figure', { name, exact: true })
const marks = (chart: Locator, ...fills: string[]): Locator =>
  chart.locator(fills.map((fill) => `svg path[fill="var(--${fill})"]`).join(', '))
const operatorTable = (page: Page): Locator =>
  page.getByRole('table', { name: 'Operators in order of execution' })
const column = async (table: Locator, index: number): Promise<string[]> =>
  table.locator(`tbody tr > :nth-child(${index})`).allTextContents()

describe('what is said first', () => {
  test('the verdict, what gave it, and that it is an emulator', async () => {
    const page = await opened()
    const header = page.locator('header')
    await expect(header.textContent()).resolves.toContain('error')
    await expect(header.locator('.rule').textContent()).resolves.toBe(`${operators[2]!.id}: 1 < 2`)
    await expect(page.getByRole('note').textContent()).resolves.toMatch(
      /“emulator” is an emulator.*No figure here was measured on an NPU/,
    )
    await expect(page.locator('h1').textContent()).resolves.toBe(
      'emulator float32 against cpu float32',
    )
    await page.close()
  })

  test('the table of agreement, from the data', async () => {
    const page = await opened()
    const table = page.getByRole('table', { name: 'Probabilities over 3 texts' })
    const rows = await table.locator('tr').allTextContents()
    expect(rows).toContain('Largest probability error0.00100')
    expect(rows).toContain('Top-1 agreement100 %')
    expect(rows).toContain('Decision flips1')
    await page.close()
  })
})

describe('charts', () => {
  test('have a mark for each figure', async () => {
    const page = await opened()
    const own = figure(page, 'Operators by their own error')
    // In 0, linear and both outputs: passing marks are circles, which are paths too.
    expect(await marks(own, 'device').count()).toBe(3)
    expect(await marks(own, 'warning').count()).toBe(1)
    expect(await marks(own, 'error').count()).toBe(2)
    const heat = figure(page, 'Layer × operator')
    const shades = Array.from({ length: 8 }, (_, shade) => `heat-${shade}`)
    expect(await marks(heat, ...shades).count()).toBe(4)
    expect(await marks(heat, 'paper').count()).toBe(2)
    expect(await marks(figure(page, 'Device against reference'), 'device').count()).toBe(
      sample.length,
    )
    // The outputs of four stages; the last own error is that of the NaN, which is at the top.
    const layers = figure(page, 'Error by layer')
    expect(await layers.locator('svg path[stroke="var(--device)"]').count()).toBeGreaterThan(0)
    // Of 48 elements 44 are equal, and the NaN is no finite pair.
    const histogram = figure(page, 'Errors in ULP')
    await histogram.getByText('Data', { exact: true }).click()
    await expect(histogram.locator('tbody tr').first().textContent()).resolves.toBe('04493.6 %')
    await page.close()
  })

  test('show the same figures as a table, worst first', async () => {
    const page = await opened()
    const effects = figure(page, 'Operators by their effect on the logits')
    await effects.getByText('Data', { exact: true }).click()
    const table = effects.getByRole('table')
    expect(await column(table, 2)).toEqual(['0.00500', '3.00e-6', '2.00e-6', '0', '0'])
    await page.close()
  })

  test('follow the choice of a measure', async () => {
    const page = await opened()
    const own = figure(page, 'Operators by their own error')
    await own.getByText('Data', { exact: true }).click()
    await page.getByLabel('Measure errors by').selectOption('largest absolute error')
    const figures = await column(own.getByRole('table'), 2)
    expect(figures[1]).toBe('0.0100')
    expect(await operatorTable(page).locator('thead').textContent()).toContain(
      'Own, largest absolute error',
    )
    await page.close()
  })
})

describe('tables', () => {
  test('sort by any heading, both ways', async () => {
    const page = await opened()
    const table = operatorTable(page)
    const errors = () => column(table, 6)
    const heading = table.getByRole('button', { name: 'Own, relative L2 error' })
    await heading.click()
    await expect(table.locator('th[aria-sort="descending"]').count()).resolves.toBe(1)
    const [worst, ...others] = await errors()
    expect(worst).toBe('NaN')
    const descending = others.map(Number)
    expect(descending[0]).toBeGreaterThan(0)
    expect(descending).toEqual([...descending].sort((a, b) => b - a))
    await heading.click()
    expect(await errors()).toEqual([...others.reverse(), 'NaN'])
    await page.close()
  })

  test('filter by choice and by text', async () => {
    const page = await opened()
    const section = page.locator('#operators')
    await section.getByLabel('Own verdict').selectOption('error')
    expect(await column(operatorTable(page), 1)).toEqual(['gelu', 'gelu'])
    await section.getByRole('searchbox').fill('gelu 1')
    await expect(section.getByRole('status').first().textContent()).resolves.toBe('1 of 6 rows')
    await page.close()
  })

  test('open with the worst element and the command, by keyboard', async () => {
    const page = await opened()
    const gelu = operatorTable(page).getByRole('button', { name: 'gelu' }).first()
    await gelu.focus()
    await page.keyboard.press('Enter')
    const details = page.locator('tr.details')
    await expect(details.textContent()).resolves.toContain(
      'Worst element [0, 2] of batch 0: device 3.01, reference 3',
    )
    await expect(details.locator('.command code').textContent()).resolves.toBe(operators[2]!.rerun)
    const focused = page.locator('button.opener:focus')
    await expect(focused.getAttribute('aria-expanded')).resolves.toBe('true')
    await page.close()
  })

  test('the first divergent operator is one click away', async () => {
    const page = await opened()
    const section = page.locator('#operators')
    await section.getByRole('searchbox').fill('embedding')
    await page.locator('header').getByRole('button').first().click()
    await expect(section.locator('tr.open td:nth-child(3)').textContent()).resolves.toBe(
      'intermediate.intermediate_act_fn',
    )
    await page.close()
  })

  test('texts show what flipped', async () => {
    const page = await opened()
    const rows = page.getByRole('table', { name: 'The three best labels' }).locator('tbody tr')
    await expect(rows.nth(1).textContent()).resolves.toContain('flip− love')
    await expect(rows.nth(2).textContent()).resolves.not.toContain('flip')
    const flips = page.getByRole('table', { name: 'Decision flips' })
    expect(await flips.locator('tbody tr').allTextContents()).toEqual(['1love0.29900.30000.3000'])
    await rows.nth(1).getByRole('button').click()
    const all = page.getByRole('table', { name: 'Text 1: all labels' })
    expect(await column(all, 1)).toEqual(labels)
    await page.close()
  })
})

test('a text is never read as HTML', async () => {
  const page = await opened()
  await page.locator('#texts').getByRole('button', { name: '0' }).first().click()
  await expect(page.locator('blockquote').textContent()).resolves.toBe(harmfulText)
  expect(await page.locator('img').count()).toBe(0)
  await expect(page.title()).resolves.toBe('emulator float32 against cpu float32: a model <b>')
  await page.close()
})

describe('looks', () => {
  const background = (page: Page): Promise<string> =>
    page.evaluate('getComputedStyle(document.body).backgroundColor')
  const light = 'rgb(253, 253, 252)'
  const dark = 'rgb(22, 24, 28)'

  test('light or dark as the system has it, and as one chooses', async () => {
    const page = await opened({ colorScheme: 'dark' })
    await expect(background(page)).resolves.toBe(dark)
    await page.getByRole('button', { name: 'Use light colours' }).click()
    await expect(background(page)).resolves.toBe(light)
    await page.getByRole('button', { name: 'Use dark colours' }).click()
    await expect(background(page)).resolves.toBe(dark)
    await page.emulateMedia({ media: 'print' })
    await expect(background(page)).resolves.toBe(light)
    await page.close()
  })

  test.each([375, 768, 1280])('nothing is wider than a window of %i pixels', async (width) => {
    const page = await opened({ viewport: { width, height: 800 } })
    expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    for (const svg of await page.locator('svg').all()) {
      expect((await svg.boundingBox())!.width).toBeLessThanOrEqual(width)
    }
    await page.close()
  })

  test('text has the contrast that WCAG asks for', async () => {
    for (const colorScheme of ['light', 'dark'] as const) {
      const page = await opened({ colorScheme })
      const names = ['ink', 'soft', 'device', 'contrast', 'pass', 'warning', 'error']
      for (const name of names) {
        const ratio = await contrast(page, name, 'paper')
        expect(ratio, `${name}, ${colorScheme}`).toBeGreaterThanOrEqual(4.5)
      }
      for (let shade = 0; shade < 8; shade++) {
        const ratio = await contrast(page, `on-heat-${shade}`, `heat-${shade}`)
        expect(ratio, `shade ${shade}, ${colorScheme}`).toBeGreaterThanOrEqual(4.5)
      }
      await page.close()
    }
  })
})

describe('of what was not compared nothing is shown', () => {
  const shown = async (page: Page, name: string): Promise<boolean> =>
    (await figure(page, name).count()) === 1

  /** One text, and of each operator only what `keep` keeps. */
  function only(keep: (operator: OperatorComparison) => Partial<OperatorComparison>) {
    const result = comparisonResult(1)
    const kept = result.operators.map((operator) => {
      const { cascaded: _all, isolated: _own, grafted: _graft, ...others } = operator
      return { ...others, ...keep(operator) }
    })
    return { ...result, operators: kept, modules: [], sample: [], firstDivergent: undefined }
  }

  test('cascaded alone', async () => {
    const page = await opened(
      {},
      only(({ cascaded }) => ({ cascaded: cascaded! })),
    )
    expect(await shown(page, 'Operators by accumulated error')).toBe(true)
    expect(await shown(page, 'Operators by their effect on the logits')).toBe(false)
    expect(await shown(page, 'Layer × operator')).toBe(true)
    await page.close()
  })

  test('grafted alone', async () => {
    const page = await opened(
      {},
      only(({ grafted }) => (grafted ? { grafted } : {})),
    )
    expect(await shown(page, 'Operators by accumulated error')).toBe(false)
    expect(await shown(page, 'Error by layer')).toBe(false)
    expect(await shown(page, 'Operators by their effect on the logits')).toBe(true)
    await page.close()
  })

  test('no operators', async () => {
    const page = await opened({}, { ...only(() => ({})), operators: [], modes: [] })
    expect(await shown(page, 'Layer × operator')).toBe(false)
    expect(await shown(page, 'Errors in ULP')).toBe(true)
    await page.close()
  })
})

/** What a variable of the style sheet is, as red, green and blue from 0 to 255. */
async function colour(page: Page, name: string): Promise<number[]> {
  const value = await page.evaluate<string>(`
    document.body.style.outlineColor = 'var(--${name})'
    getComputedStyle(document.body).outlineColor`)
  return [...value.matchAll(/\d+/g)].map(Number)
}

/** By WCAG 2.2, from the relative luminances of two variables. */
async function contrast(page: Page, text: string, ground: string): Promise<number> {
  const luminance = (channels: readonly number[]): number => {
    const [red, green, blue] = channels.map((channel) => {
      const share = channel / 255
      return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
    })
    return 0.2126 * red! + 0.7152 * green! + 0.0722 * blue!
  }
  const both = [await colour(page, text), await colour(page, ground)].map(luminance)
  return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05)
}
