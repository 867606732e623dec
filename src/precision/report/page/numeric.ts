/** Columns of figures. */

import { figure } from './format.ts'
import type { Column } from './table.ts'

export function numeric<Row>(
  label: string,
  value: (row: Row) => number | undefined,
  show: (value: number) => string = figure,
): Column<Row> {
  const cell = (row: Row): string => {
    const number = value(row)
    return number === undefined ? '–' : show(number)
  }
  return { label, numeric: true, value, cell }
}
