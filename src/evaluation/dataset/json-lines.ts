/**
 * Labelled texts from JSON Lines: `{"text": "…", "labels": ["joy", 3]}`, or `"label"` for a single one.
 * A number is an id, a string a name. Other keys are not looked at.
 */
import { z } from 'zod'
import { DatasetError } from './error.ts'
import type { Row } from './row.ts'

const label = z.union([z.int(), z.string()], 'must be a name or an id')
const schema = z
  .object({
    text: z.string(),
    labels: z.array(label).optional(),
    label: label.optional(),
  })
  .refine((row) => (row.labels === undefined) !== (row.label === undefined), {
    message: 'must be there, and only one of both',
    path: ['labels or label'],
  })

/** Lines without anything hold nothing and are no rows. */
export function jsonLinesRows(text: string, path: string): Row[] {
  return text.split('\n').flatMap((content, index) => {
    if (content.trim() === '') return []
    const line = index + 1
    const result = schema.safeParse(parseLine(content, line, path))
    if (!result.success) {
      const { path: keys, message } = result.error.issues[0]!
      const what = keys.length === 0 ? '' : `${keys.join('.')}: `
      throw new DatasetError(path, line, `is no labelled text: ${what}${message}`, {
        hint: 'a line is {"text": "…", "labels": ["joy", 3]}, or "label" for a single one',
      })
    }
    const { data } = result
    return [{ text: data.text, labels: data.labels ?? [data.label!], line }]
  })
}

function parseLine(content: string, line: number, path: string): unknown {
  try {
    return JSON.parse(content)
  } catch (cause) {
    throw new DatasetError(path, line, `is not valid JSON: ${(cause as Error).message}`, {
      hint: 'every line is a JSON object of its own',
      cause,
    })
  }
}
