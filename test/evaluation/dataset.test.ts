/** Files of labelled texts: what is read, and that what is wrong is named with its line. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type LabelledModel, labelIds } from '../../src/evaluation/dataset/labelled-texts.ts'
import { type DatasetFormat, readDataset } from '../../src/evaluation/dataset/read-dataset.ts'
import { DatasetError, InvalidArgumentError } from '../../src/index.ts'

let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'roberta-ascend-'))
})
afterAll(() => rm(folder, { recursive: true }))

const model: LabelledModel = { labels: ['joy', 'love', 'fear', 'neutral'], head: 'sigmoid' }

async function read(
  name: string,
  content: string | Buffer,
  { labels, head }: LabelledModel = model,
  format?: DatasetFormat,
) {
  const path = join(folder, name)
  await writeFile(path, content)
  const dataset = await readDataset(path, format)
  const ids = labelIds(dataset, { labels, head })
  return dataset.rows.map(({ text, line }, at) => [text, ids[at], line])
}

describe('reads', () => {
  test('the format of GoEmotions: quotes, ids, blank lines, CRLF, a byte order mark', async () => {
    const content =
      '\ufeffplain, text\t0,3\tid1\r\n\r\n"with ""quotes"",\r\n two lines"\t2\tid2\r\nthird\t1\tid3\n\n'
    expect(await read('a.tsv', content)).toEqual([
      ['plain, text', [0, 3], 1],
      ['with "quotes",\r\n two lines', [2], 3],
      ['third', [1], 5],
    ])
  })

  test('CSV with names in any column, and no labels at all', async () => {
    const content = 'id,Labels,text\n7,"love, joy",one\n8,,"two, too"\n'
    expect(await read('a.csv', content)).toEqual([
      ['one', [1, 0], 2],
      ['two, too', [], 3],
    ])
  })

  test('JSON Lines', async () => {
    const content =
      '{"text":"a\\tb","labels":["love",3],"id":9}\n\n{"label":2,"text":"c"}\r\n{"text":"","labels":[]}'
    expect(await read('a.jsonl', content)).toEqual([
      ['a\tb', [1, 3], 1],
      ['c', [2], 3],
      ['', [], 4],
    ])
  })

  test('a format that is stated goes before the extension', async () => {
    expect(await read('a.txt', 'a\t1\n', model, 'tsv')).toEqual([['a', [1], 1]])
  })

  test('digits are names where a label is called so, and numbers are ids', async () => {
    const stars = { labels: ['1', '2', '3'], head: 'softmax' } as const
    expect(await read('s.tsv', 'a\t1\nb\t3\n', stars)).toEqual([
      ['a', [0], 1],
      ['b', [2], 2],
    ])
    expect(await read('s.jsonl', '{"text":"a","label":0}', stars)).toEqual([['a', [0], 1]])
    await expect(read('s.tsv', 'a\t0\n', stars)).rejects.toThrow('line 1 has the label "0"')
  })
})

describe('names the line of', () => {
  test.each<[string, string | Buffer, number, string]>([
    ['b.tsv', 'a\t1\n\nb\n', 3, 'has 1 columns, not 2 or 3'],
    ['b.csv', 'a,1,id\nb, c,1,id\n', 2, 'commas within a field need double quotes'],
    ['b.csv', 'text,label,id\na,joy\n', 2, 'has 2 columns, not 3'],
    ['b.tsv', 'a\t1\n"b\nc\t1\n', 2, 'opens a double quote that nothing closes'],
    ['b.tsv', 'a\t1\n"b\n"c\t1\n', 2, 'text behind the closing double quote'],
    ['b.tsv', 'a\t1\nb "c" d\t1\n', 2, 'a double quote within a field'],
    ['b.tsv', '"a\nb"\t1\nc\t4\n', 3, "the label id 4, the model's are 0 to 3"],
    ['b.tsv', 'a\t1\nb\thate\n', 2, 'the label "hate", which the model does not have'],
    ['b.csv', 'sentence,emotion\na,joy\n', 1, 'has to name text and labels'],
    ['b.tsv', 'a\t1,joy,love\n', 1, 'has the label "love" twice'],
    ['b.tsv', Buffer.from('a\t1\n\xff\t1\n', 'latin1'), 2, 'is not valid UTF-8'],
    ['b.jsonl', '{"text":"a","labels":[]}\n{"text":"b"}\n', 2, 'labels or label: must be there'],
    ['b.jsonl', '{"text":"a","labels":[],"label":1}', 1, 'labels or label'],
    ['b.jsonl', '{"text":"a","labels":[1.5]}', 1, 'labels.0: must be a name or an id'],
    ['b.jsonl', '{"text":"a","labels":[-1]}', 1, 'the label id -1'],
    ['b.jsonl', '{"text":"a","labels":[1]}\n{"text":', 2, 'is not valid JSON'],
  ])('%s %j', async (name, content, line, message) => {
    const error: unknown = await read(name, content).catch((error: unknown) => error)
    expect(error).toBeInstanceOf(DatasetError)
    expect(error).toMatchObject({ line, path: join(folder, name) })
    expect((error as Error).message).toContain(message)
  })

  test('a row without exactly one label, where the model is for one', async () => {
    const single = { labels: model.labels, head: 'softmax' } as const
    await expect(read('c.tsv', 'a\t1\nb\t1,2\n', single)).rejects.toThrow('line 2 has 2 labels')
    await expect(read('c.tsv', 'a\t\n', single)).rejects.toThrow('line 1 has 0 labels')
  })
})

test('refuses what is no dataset', async () => {
  await expect(readDataset(join(folder, 'none.tsv'))).rejects.toThrow('there is no such file')
  await expect(read('a.xlsx', 'a')).rejects.toThrow('state the format: tsv, csv, jsonl')
  await expect(read('empty.tsv', '\n\n')).rejects.toThrow('holds no texts')
  await expect(read('header.csv', 'text,labels\n')).rejects.toThrow('holds no texts')
})

test('texts from memory are named by their position', () => {
  const rows = [
    { text: 'a', labels: ['joy', 2] },
    { text: 'b', labels: ['hate'] },
  ]
  const attempt = () => labelIds({ name: 'dataset', rows }, model)
  expect(attempt).toThrow(InvalidArgumentError)
  expect(attempt).toThrow('dataset[1]: has the label "hate"')
  expect(labelIds({ name: 'dataset', rows: rows.slice(0, 1) }, model)).toEqual([[0, 2]])
  expect(() => labelIds({ name: 'dataset', rows: [] }, model)).toThrow('has no texts')
  const twice = { labels: ['joy', 'joy'], head: 'sigmoid' } as const
  expect(() => labelIds({ name: 'dataset', rows }, twice)).toThrow('more than once')
})
