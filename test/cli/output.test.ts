import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { text as readText } from 'node:stream/consumers'
import { WriteStream } from 'node:tty'
import { afterEach, describe, expect, test, vi } from 'vitest'
import {
  type ClassificationRow,
  createWriter,
  OutputClosedError,
  OutputError,
  type OutputFormat,
  type OutputStream,
  outputFormats,
  type WriterOptions,
} from '../../src/cli/output/index.ts'
import { renderRow, type TerminalLook, terminalLook } from '../../src/cli/output/terminal.ts'
import { InvalidArgumentError } from '../../src/errors.ts'

const labels = ['joy', 'anger', 'neutral']
const options: WriterOptions = { labels, threshold: 0.3, all: false }

/** Scores by label; those above the threshold become the record's labels. */
function row(
  index: number,
  text: string,
  scores: Record<string, number>,
  more: Partial<ClassificationRow['record']> = {},
): ClassificationRow {
  const sorted = Object.entries(scores).map(([label, score]) => ({ label, score }))
  const [best = { label: 'neutral', score: 0 }] = sorted
  const above = sorted.filter(({ score }) => score > 0.3)
  return { record: { index, text, labels: above, ...more }, best }
}

async function written(
  format: OutputFormat,
  rows: ClassificationRow[],
  changes: Partial<WriterOptions> = {},
): Promise<string> {
  const output = new PassThrough()
  const result = readText(output)
  const writer = await createWriter(format, output, { ...options, ...changes })
  for (const each of rows) await writer.write(each)
  await writer.end()
  output.end()
  return result
}

// 0.1 as a float32 is 0.100000001490116119384765625; 17 digits bring that float64 back.
const float32Tenth = 0.10000000149011612
const everyLabel = {
  probabilities: [0.75, float32Tenth, 1e-7],
  logits: [1.0986122886681098, -2.197224577336219, Number.NEGATIVE_INFINITY],
}

describe('jsonl', () => {
  test('one record per line', async () => {
    const rows = [
      row(0, 'I am "happy"', { joy: 0.9, anger: 0.31 }),
      row(1, '', { neutral: 0.2 }),
      row(2, 'long', { anger: Math.fround(0.4) }, { truncated: true }),
    ]
    expect(await written('jsonl', rows)).toBe(
      '{"index":0,"text":"I am \\"happy\\"","labels":[{"label":"joy","score":0.9},{"label":"anger","score":0.31}]}\n' +
        '{"index":1,"text":"","labels":[]}\n' +
        '{"index":2,"text":"long","truncated":true,"labels":[{"label":"anger","score":0.4000000059604645}]}\n',
    )
  })

  test('every label, in a fixed order of keys; infinity and NaN are null', async () => {
    const record = {
      logits: [Number.NaN, ...everyLabel.logits.slice(1)],
      probabilities: everyLabel.probabilities,
      labels: [{ score: 0.75, label: 'joy' }],
      truncated: true as const,
      text: 'a',
      index: 7,
    }
    expect(
      await written('jsonl', [{ record, best: { label: 'joy', score: 0.75 } }], { all: true }),
    ).toBe(
      '{"index":7,"text":"a","truncated":true,"labels":[{"label":"joy","score":0.75}],' +
        '"probabilities":[0.75,0.10000000149011612,1e-7],"logits":[null,-2.197224577336219,null]}\n',
    )
  })

  test('is one line for every reader, and sends no control to a terminal', async () => {
    const text = 'a\nb\r\u2028\u2029\u0085\u009b1m\x7f\x1b[0m\ud800 é今😀'
    const line = await written('jsonl', [row(0, text, {})])
    expect(line).toBe(
      '{"index":0,"text":"a\\nb\\r\\u2028\\u2029\\u0085\\u009b1m\\u007f\\u001b[0m\\ud800 é今😀","labels":[]}\n',
    )
    expect(JSON.parse(line).text).toBe(text)
  })

  test('nothing for no results', async () => {
    expect(await written('jsonl', [])).toBe('')
  })
})

describe('json', () => {
  test('an array, one record per line', async () => {
    const rows = [row(0, 'a', { joy: 0.5 }), row(1, 'b', {})]
    expect(await written('json', rows)).toBe(
      '[\n{"index":0,"text":"a","labels":[{"label":"joy","score":0.5}]},\n{"index":1,"text":"b","labels":[]}\n]\n',
    )
  })

  test('an empty array for no results', async () => {
    expect(await written('json', [])).toBe('[]\n')
  })

  test('a record is in the stream as soon as it is written', async () => {
    const output = new PassThrough({ encoding: 'utf8' })
    await (await createWriter('json', output, options)).write(row(0, 'a', {}))
    expect(output.read()).toBe('[\n{"index":0,"text":"a","labels":[]}')
  })
})

/** Reads RFC 4180 and nothing else, after the grammar in its section 2. */
function parseCsv(csv: string): string[][] {
  let at = 0
  const take = (pattern: RegExp) => {
    const [match] = csv.slice(at).match(pattern) ?? []
    at += match?.length ?? 0
    return match
  }
  const field = () =>
    take(/^"(?:[^"]|"")*"/)
      ?.slice(1, -1)
      .replaceAll('""', '"') ??
    take(/^[^",\r\n]*/) ??
    ''
  const records: string[][] = []
  while (at < csv.length) {
    const record = [field()]
    while (take(/^,/)) record.push(field())
    if (!take(/^\r\n/)) throw new Error(`not CSV at ${at}: ${csv.slice(at, at + 20)}`)
    records.push(record)
  }
  return records
}

describe('csv', () => {
  test('a header and one line per record', async () => {
    const rows = [
      row(0, 'I am "happy", really', { joy: 0.9, anger: float32Tenth + 0.3 }),
      row(1, '', {}),
      row(2, 'a\nb', { anger: 0.5 }, { truncated: true }),
    ]
    expect(await written('csv', rows)).toBe(
      'index,text,labels,scores,truncated\r\n' +
        '0,"I am ""happy"", really",joy;anger,0.9;0.4000000014901161,false\r\n' +
        '1,,,,false\r\n' +
        '2,"a\nb",anger,0.5,true\r\n',
    )
  })

  test('every label', async () => {
    expect(await written('csv', [row(0, 'a', { joy: 0.75 }, everyLabel)], { all: true })).toBe(
      'index,text,labels,scores,truncated,' +
        'probability:joy,probability:anger,probability:neutral,logit:joy,logit:anger,logit:neutral\r\n' +
        '0,a,joy,0.75,false,0.75,0.10000000149011612,1e-7,1.0986122886681098,-2.197224577336219,-Infinity\r\n',
    )
  })

  test('the header alone for no results', async () => {
    expect(await written('csv', [])).toBe('index,text,labels,scores,truncated\r\n')
  })

  test('texts come back as they were, formulas and line ends too', async () => {
    const texts = [
      '=HYPERLINK("http://example.com","x")',
      '+1',
      '-1',
      '@SUM(A1)',
      '\tindented',
      ' spaces ',
      'lone \r here',
      'line\r\nend',
      '"',
      '""',
      ',',
      ';',
      "it's",
      '\ufeffmark',
      'é今😀\u2028',
    ]
    const csv = await written(
      'csv',
      texts.map((text, index) => row(index, text, { joy: 0.5 })),
    )
    const [header, ...lines] = parseCsv(csv)
    expect(header).toEqual(['index', 'text', 'labels', 'scores', 'truncated'])
    expect(lines).toEqual(texts.map((text, i) => [String(i), text, 'joy', '0.5', 'false']))
  })

  test('a semicolon within a label is told from one between labels', async () => {
    const csv = await written('csv', [row(0, 'a', { 'x;y\\': 0.9, z: 0.8 })])
    expect(parseCsv(csv)[1]?.[2]).toBe('x\\;y\\\\;z')
  })

  test('a record without a value for each label', async () => {
    const record = row(3, 'a', {}, { probabilities: [1, 2, 3], logits: [1, 2] })
    const writing = written('csv', [record], { all: true })
    await expect(writing).rejects.toThrow(InvalidArgumentError)
    await expect(writing).rejects.toThrow('logits: record 3 has 2 for 3 labels')
  })
})

describe('table in a pipe', () => {
  test('one line per text', async () => {
    const rows = [
      row(0, 'I am happy', { joy: 0.98765, anger: 0.30049 }),
      row(1, 'so so', { neutral: 0.21 }),
      row(2, '', { neutral: 1 }, { truncated: true }),
    ]
    expect(await written('table', rows)).toBe(
      'I am happy\tjoy 0.988\tanger 0.300\nso so\n\tneutral 1.000\n',
    )
  })

  test('what would break a line, or a terminal, is escaped', async () => {
    const text = 'a\\n\tb\nc\r\x1b[31m\x00\x7f\u009b\u0085\u2028\u202e\ud800 é今😀'
    expect(await written('table', [row(0, text, { 'l\tm': 0.5 })])).toBe(
      'a\\\\n\\tb\\nc\\x0d\\x1b[31m\\x00\\x7f\\x9b\\x85\\u2028\\u202e\\ud800 é今😀\tl\\tm 0.500\n',
    )
  })

  test('every label, best first, NaN last', async () => {
    const probabilities = [0.1, Number.NaN, 0.8]
    const record = row(0, 'a', {}, { probabilities, logits: [0, 0, 0] })
    expect(await written('table', [record], { all: true })).toBe(
      'a\tneutral 0.800\tjoy 0.100\tanger NaN\n',
    )
  })

  test('FORCE_COLOR does not colour it', async () => {
    vi.stubEnv('FORCE_COLOR', '3')
    expect(await written('table', [row(0, 'a', { joy: 0.5 })])).toBe('a\tjoy 0.500\n')
  })
})

afterEach(() => {
  vi.unstubAllEnvs()
})

/** As much of a terminal as a stream needs; what it thinks of colours is Node's own. */
class Terminal extends PassThrough {
  readonly isTTY = true
  readonly hasColors = WriteStream.prototype.hasColors
  readonly getColorDepth = WriteStream.prototype.getColorDepth
  constructor(readonly columns: number) {
    super({ encoding: 'utf8' })
  }
}

const plain: TerminalLook = { columns: 40, color: false, unicode: true }
const ascii: TerminalLook = { ...plain, unicode: false }
const heading = (text: string, look = plain) =>
  renderRow(row(0, text, {}), options, look).split('\n')[0]

describe('table on a terminal', () => {
  // 40 columns: 2 + 7 (neutral) + 2 + 5 + 2 leave 22 for the bar.
  test('a heading, then labels with scores and bars', () => {
    const happy = row(0, 'I am happy', { joy: 1, anger: 0.5, neutral: 0.31 })
    expect(renderRow(happy, options, plain)).toBe(
      // 0.5 × 22 = 11; 0.31 × 22 = 6.82, which is 6 and 7/8 (54.56 eighths are nearest to 55).
      [
        'I am happy',
        `  joy      1.000  ${'█'.repeat(22)}`,
        `  anger    0.500  ${'█'.repeat(11)}`,
        `  neutral  0.310  ${'█'.repeat(6)}▉`,
        '',
      ].join('\n'),
    )
    expect(renderRow(happy, options, ascii)).toBe(
      [
        'I am happy',
        `  joy      1.000  ${'#'.repeat(22)}`,
        `  anger    0.500  ${'#'.repeat(11)}`,
        `  neutral  0.310  ${'#'.repeat(7)}`,
        '',
      ].join('\n'),
    )
  })

  test('a bar is exact to an eighth', () => {
    // 66 columns leave 48, cut to the longest bar of 40: an eighth is 1/320.
    const bars = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9].map((n) => {
      const probabilities = [n / 320, 0, 0]
      const record = row(0, 'a', {}, { probabilities, logits: [0, 0, 0] })
      const text = renderRow(record, { ...options, all: true }, { ...plain, columns: 66 })
      return text.split('\n')[1]?.slice('  neutral  0.000'.length)
    })
    const expected = ['', '  ▏', '  ▎', '  ▍', '  ▌', '  ▋', '  ▊', '  ▉', '  █', '  █▏']
    expect(bars).toEqual(expected)
  })

  test('the longest bar is 40', () => {
    const wide = renderRow(row(0, 'a', { joy: 1 }), options, { ...plain, columns: 200 })
    expect(wide).toBe(`a\n  joy      1.000  ${'█'.repeat(40)}\n`)
  })

  test('narrow terminals lose the bars, then the ends of labels', () => {
    const record = row(0, 'a', { neutral: 0.5 })
    const label = (columns: number) =>
      renderRow(record, options, { ...plain, columns }).split('\n')[1]
    expect(label(22)).toBe('  neutral  0.500  ██')
    expect(label(21)).toBe('  neutral  0.500')
    expect(label(14)).toBe('  neut…  0.500')
  })

  test('no label reaches the threshold', () => {
    const message = (score: number, threshold: number) =>
      renderRow(row(0, 'a', { neutral: score }), { ...options, threshold }, plain)
    expect(message(0.21, 0.3)).toBe('a\n  no label reaches 0.30; best is neutral 0.210\n')
    expect(message(0.1, 0.125)).toBe('a\n  no label reaches 0.125; best is neutral 0.100\n')
    // Rounded to three decimals it would seem to reach it.
    expect(message(0.29999, 0.3)).toBe('a\n  no label reaches 0.30; best is neutral 0.29999\n')
    expect(message(Number.NaN, 0.3)).toBe('a\n  no label reaches 0.30; best is neutral NaN\n')
  })

  test('an empty text, a truncated text', () => {
    expect(heading('')).toBe('(empty text)')
    const truncated = (text: string) =>
      renderRow(row(0, text, {}, { truncated: true }), options, plain).split('\n')[0]
    expect(truncated('short')).toBe('short (truncated)')
    expect(truncated('x'.repeat(28))).toBe(`${'x'.repeat(28)} (truncated)`)
    expect(truncated('x'.repeat(29))).toBe(`${'x'.repeat(27)}… (truncated)`)
  })

  test('headings are cut to the width', () => {
    expect(heading('x'.repeat(40))).toBe('x'.repeat(40))
    expect(heading('x'.repeat(41))).toBe(`${'x'.repeat(39)}…`)
    expect(heading('x'.repeat(41), ascii)).toBe(`${'x'.repeat(37)}...`)
  })

  test('wide characters take two columns, combining marks none', () => {
    expect(heading('今'.repeat(20))).toBe('今'.repeat(20))
    expect(heading('今'.repeat(21))).toBe(`${'今'.repeat(19)}…`)
    expect(heading('e\u0301'.repeat(41))).toBe(`${'e\u0301'.repeat(39)}…`)
    const wide = { ...options, labels: ['喜び', 'joy'] }
    expect(renderRow(row(0, 'a', { 喜び: 0.5, joy: 0.5 }), wide, { ...plain, columns: 16 })).toBe(
      'a\n  喜び  0.500\n  joy   0.500\n',
    )
  })

  // A family, a flag, and a face of 2021: each is one character to the eye.
  test.each(['👨‍👩‍👧', '🇩🇪', '🫠'])('%s takes two columns', (emoji) => {
    expect(heading(emoji.repeat(20))).toBe(emoji.repeat(20))
    expect(heading(emoji.repeat(21))).toBe(`${emoji.repeat(19)}…`)
  })

  test('no text and no label can send a control to the terminal', () => {
    const nasty = '\x1b[2J\x9b31m\x07\b\r\n\t\x7f\x00\u202e\u2066\u200f\u2028\ud83d'
    const lines = renderRow(row(0, nasty, { [nasty]: 0.5 }), options, { ...plain, columns: 200 })
    expect(lines.split('\n')[0]).toBe(
      '\\x1b[2J\\x9b31m\\x07\\x08\\x0d\\n\\t\\x7f\\x00\\u202e\\u2066\\u200f\\u2028\\ud83d',
    )
    const every = Array.from({ length: 0x3000 }, (_, code) => String.fromCharCode(code)).join('')
    const wide = { ...plain, columns: 1e6 }
    for (const all of [
      renderRow(row(0, every, { [every]: 0.5 }), { ...options, labels: [every] }, wide),
      renderRow(row(0, 'a', { [every]: 0.2 }), options, wide),
    ]) {
      // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
      expect(all.replaceAll('\n', '')).not.toMatch(/[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]/)
    }
  })

  test('colours tell below, above, and more likely than not', () => {
    const record = row(0, 'a', {}, { probabilities: [0.5, 0.3, 0.2], logits: [0, 0, 0] })
    const look = { columns: 16, color: true, unicode: true }
    expect(renderRow(record, { ...options, all: true }, look)).toBe(
      [
        '\x1b[1ma\x1b[22m',
        '  joy      \x1b[32m0.500\x1b[39m',
        '  anger    \x1b[33m0.300\x1b[39m',
        '  neutral  \x1b[90m0.200\x1b[39m',
        '',
      ].join('\n'),
    )
    expect(renderRow(row(0, '', {}, { truncated: true }), options, look)).toBe(
      '\x1b[2m(empty text)\x1b[22m\x1b[2m (truncated)\x1b[22m\n' +
        '\x1b[2m  no label reaches 0.30; best is neutral 0.000\x1b[22m\n',
    )
  })

  test('a million characters are not measured for one line', () => {
    const start = performance.now()
    expect(heading('x'.repeat(1_000_000))).toBe(`${'x'.repeat(39)}…`)
    expect(performance.now() - start).toBeLessThan(500)
  })
})

describe('what the terminal can do', () => {
  const terminal = new Terminal(72)
  const xterm = { TERM: 'xterm-256color', LANG: 'en_US.UTF-8' }

  test.each([
    [{}, true],
    [{ NO_COLOR: '1' }, false],
    [{ FORCE_COLOR: '0' }, false],
    [{ TERM: 'dumb' }, false],
    [{ TERM: 'dumb', FORCE_COLOR: '1' }, true],
  ])('colour with %o: %s', (env, color) => {
    expect(terminalLook(terminal, { ...xterm, ...env }).color).toBe(color)
  })

  test.each([
    [{ LANG: 'en_US.UTF-8' }, true],
    [{ LANG: 'de_DE.utf8' }, true],
    [{ LANG: 'en_US.ISO-8859-1' }, false],
    [{}, false],
    [{ LANG: 'en_US.UTF-8', LC_ALL: 'C' }, false],
    [{ LANG: 'C', LC_CTYPE: 'C.UTF-8' }, true],
    [{ LANG: 'en_US.UTF-8', LC_ALL: '' }, true],
    [{ LANG: 'en_US.UTF-8', TERM: 'dumb' }, false],
  ])('characters with %o: %s', (env, unicode) => {
    expect(terminalLook(terminal, env).unicode).toBe(unicode)
  })

  test('its width, or 80', () => {
    expect(terminalLook(terminal, {}).columns).toBe(72)
    expect(terminalLook(new Terminal(0), {}).columns).toBe(80)
    expect(terminalLook(new PassThrough(), {})).toMatchObject({ columns: 80, color: false })
  })

  test('a table looks at the environment, and parts texts by a blank line', async () => {
    for (const name of ['FORCE_COLOR', 'LC_ALL', 'LC_CTYPE']) vi.stubEnv(name, undefined)
    vi.stubEnv('NO_COLOR', '1')
    vi.stubEnv('LANG', 'en_US.UTF-8')
    vi.stubEnv('TERM', 'xterm')
    const output = new Terminal(80)
    const writer = await createWriter('table', output, options)
    await writer.write(row(0, 'a', { joy: 0.5 }))
    await writer.write(row(1, 'b', { anger: 0.5 }))
    await writer.end()
    const bar = '█'.repeat(20)
    expect(output.read()).toBe(`a\n  joy      0.500  ${bar}\n\nb\n  anger    0.500  ${bar}\n`)
  })

  test('other formats are the same on a terminal', async () => {
    const output = new Terminal(80)
    const writer = await createWriter('jsonl', output, options)
    await writer.write(row(0, 'a', {}))
    expect(output.read()).toBe('{"index":0,"text":"a","labels":[]}\n')
  })
})

describe('the stream', () => {
  test.each(outputFormats)('%s waits for a slow reader', async (format) => {
    // Each side of the stream holds one byte, so each write waits for the one before to be read.
    const output = new PassThrough({ highWaterMark: 1 })
    const writer = await createWriter(format, output, options)
    let done = 0
    const writing = (async () => {
      for (let index = 0; index < 10; index++) {
        await writer.write(row(index, 'x'.repeat(100), { joy: 0.5 }))
        done++
      }
    })()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(done).toBeLessThanOrEqual(1)
    output.resume()
    await writing
    expect(done).toBe(10)
  })

  test('a pipe whose reader does not read holds the writer back', async () => {
    const child = spawn('sleep', ['60'], { stdio: ['pipe', 'ignore', 'ignore'] })
    const writer = await createWriter('jsonl', child.stdin, options)
    const text = 'x'.repeat(100_000)
    let done = 0
    const writing = (async () => {
      for (let index = 0; index < 1000; index++) {
        await writer.write(row(index, text, {}))
        done++
      }
    })()
    const ending = expect(writing).rejects.toThrow(OutputClosedError)
    await new Promise((resolve) => setTimeout(resolve, 300))
    // The kernel holds some hundred kilobytes for a pipe; 100 MB were to be written.
    expect(done).toBeLessThan(50)
    child.kill()
    await ending
  })

  test.each(outputFormats)('%s into head, which closes', async (format) => {
    const child = spawn('head', ['-n', '1'], { stdio: ['pipe', 'pipe', 'inherit'] })
    const output = readText(child.stdout)
    const writer = await createWriter(format, child.stdin, options)
    const endless = async () => {
      for (let index = 0; ; index++) await writer.write(row(index, 'text', { joy: 0.5 }))
    }
    const error = await endless().catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(OutputClosedError)
    expect(error).toBeInstanceOf(OutputError)
    await expect(writer.write(row(0, 'more', {}))).rejects.toBe(error)
    const first = {
      table: 'text\tjoy 0.500\n',
      json: '[\n',
      jsonl: '{"index":0,"text":"text","labels":[{"label":"joy","score":0.5}]}\n',
      csv: 'index,text,labels,scores,truncated\r\n',
    }
    expect(await output).toBe(first[format])
  })

  test('a stream that was destroyed between two results', async () => {
    const output = new PassThrough()
    const writer = await createWriter('jsonl', output, options)
    await writer.write(row(0, 'a', {}))
    output.destroy()
    await expect(writer.write(row(1, 'b', {}))).rejects.toThrow(OutputClosedError)
  })

  test('a full disk is a fault', async () => {
    const writer = await createWriter('jsonl', createWriteStream('/dev/full'), options)
    const error = await writer.write(row(0, 'a', {})).catch((failure: unknown) => failure)
    expect(error).toBeInstanceOf(OutputError)
    expect(error).not.toBeInstanceOf(OutputClosedError)
    expect(error).toMatchObject({ kind: 'environment', cause: { code: 'ENOSPC' } })
    // A later failure does not hide the first.
    await expect(writer.write(row(1, 'b', {}))).rejects.toBe(error)
  })

  test('after a failure nothing is written, nor waited for, on a stream that stays open', async () => {
    // Like process.stdout, which is never destroyed: it would queue the second write for ever.
    const output = new Writable({
      autoDestroy: false,
      write: (_chunk, _encoding, done) => done(new Error('broken')),
    })
    const writer = await createWriter('json', output, options)
    const error = await writer.write(row(0, 'a', {})).catch((failure: unknown) => failure)
    expect(error).toMatchObject({ name: 'OutputError', problem: expect.stringContaining('broken') })
    await expect(writer.write(row(1, 'b', {}))).rejects.toBe(error)
    await expect(writer.end()).rejects.toBe(error)
  })

  test('a file', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'output-'))
    const path = join(folder, 'results.json')
    const output = createWriteStream(path)
    const writer = await createWriter('json', output, options)
    for (let index = 0; index < 1000; index++) await writer.write(row(index, '今', { joy: 0.5 }))
    await writer.end()
    output.end()
    await once(output, 'close')
    const records = JSON.parse(await readFile(path, 'utf8'))
    expect(records).toHaveLength(1000)
    expect(records[999]).toEqual({ index: 999, text: '今', labels: [{ label: 'joy', score: 0.5 }] })
    await rm(folder, { recursive: true })
  })

  test('standard output is an output stream', () => {
    const output: OutputStream = process.stdout
    expect(output).toBe(process.stdout)
  })
})
