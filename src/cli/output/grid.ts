/** Cells in columns: each as wide as its widest cell, the first ones to the left, numbers to the right. */
import stringWidth from 'string-width'

const gap = '  '

/** One line for each row; every row has as many cells. `leftColumns` are aligned to the left. */
export function grid(rows: readonly (readonly string[])[], leftColumns: number): string[] {
  const widths = (rows[0] ?? []).map((_, column) =>
    Math.max(...rows.map((row) => stringWidth(row[column]!))),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => {
        const padding = ' '.repeat(widths[column]! - stringWidth(cell))
        return column < leftColumns ? cell + padding : padding + cell
      })
      .join(gap)
      .trimEnd(),
  )
}
