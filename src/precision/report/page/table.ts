/**
 * A table that sorts by its headings and filters by text and by choices. Rows may have details, which
 * open below them.
 */
import { type Child, freshId, h } from './dom.ts'
import { rankOf } from './scale.ts'

export interface Column<Row> {
  readonly label: string
  /** Sorts and filters by this. NaN is worse than any number, undefined is always last. */
  value(row: Row): string | number | undefined
  /** What is shown, if not the value. */
  cell?(row: Row): Child
  readonly numeric?: boolean
  /** Offers a choice among the values. */
  readonly choice?: boolean
  /** Ranks values that are not numbers; the default is alphabetical. */
  rank?(row: Row): number
  /** Text that is never broken, and text that may be broken anywhere. */
  readonly short?: boolean
  readonly long?: boolean
}

export interface TableOptions<Row> {
  readonly caption: string
  readonly columns: readonly Column<Row>[]
  readonly rows: readonly Row[]
  /** Label of a column; numbers are sorted from the largest down. */
  readonly sortedBy?: string
  /** Made when a row is opened. The button to open it is in the first column. */
  details?(row: Row): Node
  /** How many rows are shown before somebody asks for all. */
  readonly limit?: number
  /** Without a field to search by, for tables that are a few lines. */
  readonly plain?: boolean
}

export interface Table<Row> {
  readonly element: HTMLElement
  /** Opens the details of a row and brings it into view, whatever the filters. */
  reveal(row: Row): void
}

type Direction = 'ascending' | 'descending'

export function table<Row>(options: TableOptions<Row>): Table<Row> {
  const { caption, columns, rows, limit = 50 } = options
  const details = options.details?.bind(options)
  const body = h('tbody')
  const count = h('p', { class: 'count', role: 'status' })
  const search = h('input', { type: 'search', placeholder: 'Search', input: show })
  search.setAttribute('aria-label', `Search in: ${caption}`)
  const choices = columns
    .filter(({ choice }) => choice)
    .map((column) => choiceOf(column, rows, show))
  const wordy = columns.filter(({ numeric }) => !numeric)
  const opened = new Set<Row>()
  let sorted = columns.find(({ label }) => label === options.sortedBy)
  let direction: Direction = sorted?.numeric ? 'descending' : 'ascending'
  let isWhole = false

  const headings = columns.map((column) =>
    h(
      'th',
      { scope: 'col', class: column.numeric ? 'number' : undefined },
      h('button', { type: 'button', click: () => sortBy(column) }, column.label),
    ),
  )

  function sortBy(column: Column<Row>): void {
    const first: Direction = column.numeric || column.rank ? 'descending' : 'ascending'
    if (sorted !== column) direction = first
    else direction = direction === 'ascending' ? 'descending' : 'ascending'
    sorted = column
    show()
  }

  function matching(): Row[] {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean)
    const found = rows.filter((row) => {
      if (!choices.every(({ accepts }) => accepts(row))) return false
      const text = wordy.map(({ value }) => String(value(row) ?? '')).join(' ')
      return words.every((word) => text.toLowerCase().includes(word))
    })
    return sorted === undefined ? found : found.sort(comparison(sorted, direction))
  }

  function show(): void {
    const found = matching()
    const shown = isWhole ? found : found.slice(0, limit)
    body.replaceChildren(...shown.flatMap(elements))
    for (const [index, heading] of headings.entries()) {
      if (columns[index] === sorted) heading.setAttribute('aria-sort', direction)
      else heading.removeAttribute('aria-sort')
    }
    more.hidden = shown.length === found.length
    more.textContent = `Show all ${found.length} rows`
    const of = found.length === rows.length ? '' : ` of ${rows.length}`
    count.textContent = `${found.length}${of} ${rows.length === 1 ? 'row' : 'rows'}`
  }

  function elements(row: Row): HTMLElement[] {
    const isOpen = opened.has(row)
    const cells = columns.map((column, index) => {
      const content = column.cell === undefined ? column.value(row) : column.cell(row)
      const opens = details !== undefined && index === 0
      return h(
        index === 0 ? 'th' : 'td',
        { class: classOf(column), scope: index === 0 ? 'row' : undefined },
        opens ? opener(row, content) : content,
      )
    })
    const line = h('tr', { class: isOpen ? 'open' : undefined }, ...cells)
    if (!isOpen || details === undefined) return [line]
    const detail = h('td', { colspan: columns.length }, details(row))
    return [line, h('tr', { class: 'details' }, detail)]
  }

  function opener(row: Row, content: Child): HTMLElement {
    const click = (): void => {
      if (!opened.delete(row)) opened.add(row)
      const index = openers().indexOf(button)
      show()
      openers()[index]?.focus()
    }
    const attributes = { type: 'button', class: 'opener', 'aria-expanded': `${opened.has(row)}` }
    const button = h('button', { ...attributes, click }, content)
    return button
  }

  const openers = (): HTMLElement[] => [...body.querySelectorAll<HTMLElement>('button.opener')]

  function reveal(row: Row): void {
    search.value = ''
    for (const { select } of choices) select.value = ''
    opened.clear()
    opened.add(row)
    isWhole ||= matching().indexOf(row) >= limit
    show()
    const button = body.querySelector<HTMLElement>('button.opener[aria-expanded="true"]')
    button?.closest('tr')?.scrollIntoView({ block: 'start' })
    button?.focus({ preventScroll: true })
  }

  const more = h('button', { type: 'button', class: 'more', click: showAll })
  function showAll(): void {
    isWhole = true
    show()
  }

  show()
  const captionId = freshId()
  const filters = [search, ...choices.map(({ element }) => element), count]
  const element = h(
    'div',
    { class: 'table' },
    options.plain ? undefined : h('div', { class: 'filters' }, ...filters),
    h(
      'div',
      { class: 'scroll', role: 'region', tabindex: 0, 'aria-labelledby': captionId },
      h(
        'table',
        {},
        h('caption', { id: captionId }, h('span', {}, caption)),
        h('thead', {}, h('tr', {}, ...headings)),
        body,
      ),
    ),
    more,
  )
  return { element, reveal }
}

function choiceOf<Row>(column: Column<Row>, rows: readonly Row[], change: () => void) {
  const values = [...new Set(rows.map((row) => String(column.value(row) ?? '')))].filter(Boolean)
  const select = h(
    'select',
    { change, 'aria-label': column.label },
    h('option', { value: '' }, `${column.label}: all`),
    ...values.map((value) => h('option', { value }, value)),
  )
  const accepts = (row: Row): boolean =>
    select.value === '' || String(column.value(row) ?? '') === select.value
  return { element: select, select, accepts }
}

function comparison<Row>(column: Column<Row>, direction: Direction): (a: Row, b: Row) => number {
  const sign = direction === 'ascending' ? 1 : -1
  const key = (row: Row) => column.rank?.(row) ?? column.value(row)
  return (a, b) => {
    const [left, right] = [key(a), key(b)]
    if (left === undefined || right === undefined) {
      return Number(left === undefined) - Number(right === undefined)
    }
    if (typeof left === 'string' || typeof right === 'string') {
      return sign * String(left).localeCompare(String(right), 'en', { numeric: true })
    }
    return sign * (rankOf(left) - rankOf(right))
  }
}

function classOf<Row>({ numeric, short, long }: Column<Row>): string | undefined {
  return numeric ? 'number' : short ? 'short' : long ? 'long' : undefined
}
