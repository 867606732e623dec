/** Labelled texts, from a file or from memory, with labels as the model counts them. */
import { quote } from '../../checkpoint/quote.ts'
import { type ErrorOptions, InvalidArgumentError, type RobertaAscendError } from '../../errors.ts'
import type { RobertaConfig } from '../../model/config.ts'
import { DatasetError } from './error.ts'
import type { Row } from './row.ts'

/** A text with its right labels, by id or name. */
export interface LabelledText {
  readonly text: string
  readonly labels: readonly (number | string)[]
}

export interface Dataset {
  /** The path of the file, or `dataset` for texts from memory. */
  readonly name: string
  readonly rows: readonly (LabelledText & Partial<Pick<Row, 'line'>>)[]
}

/** What labels are, and how many a text may have, is up to the model. */
export interface LabelledModel {
  readonly labels: readonly string[]
  readonly head: RobertaConfig['head']
}

/**
 * Ids of the labels of each text.
 *
 * Digits are an id, unless some label of the model has digits for a name: then they are names, and
 * only a number in JSON is an id. Throws `DatasetError` or, for texts from memory,
 * `InvalidArgumentError` for a label that the model does not have, a label that comes twice, and other
 * than one label where the model is for exactly one.
 */
export function labelIds({ name, rows }: Dataset, model: LabelledModel): number[][] {
  if (rows.length === 0) {
    throw new InvalidArgumentError(name, 'has no texts', { hint: 'give at least one' })
  }
  const idOf = labelLookup(model.labels)
  return rows.map(({ labels, line }, index) => {
    const refuse = (problem: string, options?: ErrorOptions): RobertaAscendError =>
      line === undefined
        ? new InvalidArgumentError(`${name}[${index}]`, problem, options)
        : new DatasetError(name, line, problem, options)
    const ids = labels.map((label) => {
      const id = idOf(label)
      if (typeof id === 'number') return id
      throw refuse(id, line === 1 ? { hint: headerHint } : {})
    })
    const twice = ids.find((id, place) => ids.indexOf(id) !== place)
    if (twice !== undefined) throw refuse(`has the label ${quote(model.labels[twice]!)} twice`)
    if (model.head === 'softmax' && ids.length !== 1) {
      throw refuse(`has ${ids.length} labels, the model is for exactly one`)
    }
    return ids
  })
}

const headerHint = 'a first line that names the columns has to name text and labels'

/** Gives a label's id, or what is wrong with the label. */
function labelLookup(labels: readonly string[]): (label: number | string) => number | string {
  const digitsAreNames = labels.some((label) => /^\d+$/.test(label))
  const byId = (id: number): number | string =>
    Number.isInteger(id) && id >= 0 && id < labels.length
      ? id
      : `has the label id ${id}, the model's are 0 to ${labels.length - 1}`
  return (label) => {
    if (typeof label === 'number') return byId(label)
    if (/^\d+$/.test(label) && !digitsAreNames) return byId(Number(label))
    const id = labels.indexOf(label)
    if (id < 0) return `has the label ${quote(label)}, which the model does not have`
    const isUnique = labels.indexOf(label, id + 1) < 0
    return isUnique ? id : `has the label ${quote(label)}, which the model has more than once`
  }
}
