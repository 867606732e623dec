/** What the two sides say of each text. */
import { result } from '../data.ts'
import { type Child, h } from '../dom.ts'
import { integer, probability } from '../format.ts'
import { numeric } from '../numeric.ts'
import { table } from '../table.ts'
import { section } from './section.ts'

type Text = (typeof result.texts)[number]
type Scored = Text['device'][number]

const flipsOf = ({ index }: Text) => result.agreement.flips.filter(({ text }) => text === index)

function probabilityError({ deviceProbabilities, referenceProbabilities }: Text): number {
  const errors = deviceProbabilities.map((p, id) => Math.abs(p - referenceProbabilities[id]!))
  return errors.some(Number.isNaN) ? Number.NaN : Math.max(0, ...errors)
}

function change(text: Text): string {
  if (flipsOf(text).length > 0) return 'flip'
  const order = ({ label }: Scored, place: number) => label !== text.reference[place]?.label
  return text.device.some(order) ? 'order' : 'none'
}

export function texts(): HTMLElement {
  const left = result.textsCompared - result.texts.length
  const note = `The ${integer(result.texts.length)} of ${integer(result.textsCompared)} texts that differ most.`
  return section(
    'texts',
    'Texts',
    left > 0 ? h('p', {}, note) : undefined,
    table<Text>({
      caption: 'The three best labels of each text, on both sides',
      rows: result.texts,
      limit: 30,
      details,
      columns: [
        { label: '#', value: ({ index }) => index, numeric: true },
        {
          label: 'Text',
          long: true,
          value: ({ text }) => text,
          cell: ({ text }) => h('span', { dir: 'auto' }, shortened(text)),
        },
        { label: 'Device', value: (it) => names(it.device), cell: (it) => labels(it, 'device') },
        {
          label: 'Reference',
          value: (it) => names(it.reference),
          cell: (it) => labels(it, 'reference'),
        },
        { label: 'Change', choice: true, value: change, rank, cell: (it) => changeCell(it) },
        numeric('Largest error of a probability', probabilityError),
        numeric('Largest error of a logit', ({ maxLogitError }) => maxLogitError),
      ],
    }).element,
  )
}

const rank = (text: Text): number => ['none', 'order', 'flip'].indexOf(change(text))
const names = (scores: readonly Scored[]): string => scores.map(({ label }) => label).join(' ')

function shortened(text: string): string {
  const characters = [...text]
  return characters.length > 160 ? `${characters.slice(0, 160).join('')}…` : text
}

function labels(text: Text, side: 'device' | 'reference'): Child {
  const other = side === 'device' ? text.reference : text.device
  const items = text[side].map(({ label, probability: p }, place) => {
    const differs = label !== other[place]?.label
    return h(
      'li',
      { class: differs ? 'differs' : undefined },
      `${label} `,
      h('span', { class: 'figure' }, probability(p)),
    )
  })
  return h('ol', { class: 'labels' }, ...items)
}

function changeCell(text: Text): Child {
  const flips = flipsOf(text)
  if (flips.length === 0) return change(text) === 'none' ? '–' : 'order'
  const items = flips.map(({ label, device, threshold }) =>
    h('li', {}, `${device >= threshold ? '+' : '−'} ${label}`),
  )
  return h(
    'div',
    {},
    h('strong', { class: 'flip' }, 'flip'),
    h('ul', { class: 'labels' }, ...items),
  )
}

/** The text in full, and all its labels. */
function details(text: Text): Node {
  const flipped = new Set(flipsOf(text).map(({ label }) => label))
  const device = (id: number) => text.deviceProbabilities[id]!
  const reference = (id: number) => text.referenceProbabilities[id]!
  return h(
    'div',
    {},
    h('blockquote', { dir: 'auto' }, text.text),
    table<number>({
      caption: `Text ${text.index}: all labels`,
      plain: true,
      rows: [...result.model.labels.keys()],
      sortedBy: 'Reference',
      columns: [
        { label: 'Label', value: (id) => result.model.labels[id]! },
        numeric('Device', device, probability),
        numeric('Reference', reference, probability),
        numeric('Difference', (id) => device(id) - reference(id)),
        { label: 'Flip', value: (id) => (flipped.has(result.model.labels[id]!) ? 'flip' : '') },
      ],
    }).element,
  )
}
