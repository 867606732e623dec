/** A threshold for each label in a file: written by `evaluate`, read by `classify` and `evaluate`. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { FileError, InvalidArgumentError, RobertaAscendError } from '../errors.ts'
import { checkThreshold } from '../model/scores.ts'
import { writeWholeFile } from '../write-file.ts'
import type { Quality } from './quality/quality.ts'

const schema = z.strictObject({
  /** The name of the model that they are for. */
  model: z.string(),
  /** How they were chosen. */
  chosen: z.strictObject({
    by: z.string(),
    dataset: z.string(),
    texts: z.int(),
    device: z.string(),
    dtype: z.string(),
    /** Labels that no text has, and the threshold that they were evaluated with instead. */
    withoutPositives: z.record(z.string(), z.number()),
  }),
  /** By label, each from 0 to 1. */
  thresholds: z.record(z.string(), z.number()),
})

export type SavedThresholds = z.infer<typeof schema>

const rule =
  'highest F1 of each label; in the middle between neighbouring scores; the highest of equals'

/** The best threshold of each label. Throws `InvalidArgumentError` for a single-label model. */
export function bestThresholds(
  { labels, confusion, texts }: Quality,
  origin: { model: string; dataset: string; device: string; dtype: string },
): SavedThresholds {
  if (confusion !== null) throw noThresholds()
  const { model, ...chosen } = origin
  const of = (value: (label: (typeof labels)[number]) => number | null): Record<string, number> =>
    Object.fromEntries(
      labels.flatMap((label) => {
        const number = value(label)
        return number === null ? [] : [[label.label, number]]
      }),
    )
  return {
    model,
    chosen: {
      by: rule,
      ...chosen,
      texts,
      withoutPositives: of((label) => (label.bestThreshold === null ? label.threshold : null)),
    },
    thresholds: of((label) => label.bestThreshold ?? label.threshold),
  }
}

export function noThresholds(): InvalidArgumentError {
  return new InvalidArgumentError('thresholds', 'a single-label model has none', {
    hint: 'leave them out: its best label is taken, whatever the score',
  })
}

/** Writes all of the file or, where that fails, nothing. */
export async function saveThresholds(path: string, saved: SavedThresholds): Promise<void> {
  await writeWholeFile(path, `${JSON.stringify(saved, undefined, 2)}\n`)
}

/** Throws `FileError` unless `path` has a threshold from 0 to 1 for each of `labels`, and no others. */
export async function readThresholds(
  path: string,
  labels: readonly string[],
): Promise<SavedThresholds> {
  const refuse = (problem: string, cause?: unknown): FileError =>
    new FileError(path, problem, {
      hint: 'make the file with: roberta-ascend evaluate --save-thresholds',
      cause,
    })
  const text = await readFile(path, 'utf8').catch((cause: NodeJS.ErrnoException) => {
    const isMissing = cause.code === 'ENOENT'
    throw refuse(isMissing ? 'there is no such file' : `cannot be read (${cause.code})`, cause)
  })
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw refuse(`is not valid JSON: ${(cause as Error).message}`, cause)
  }
  const { success, data, error } = schema.safeParse(json)
  if (!success) {
    const { path: keys, message } = error.issues[0]!
    throw refuse(`has no thresholds: ${keys.join('.') || 'the file'}: ${message}`, error)
  }
  try {
    checkThreshold(data.thresholds, labels)
  } catch (cause) {
    if (cause instanceof RobertaAscendError) throw refuse(cause.problem, cause)
    throw cause
  }
  return data
}
