/** Numbers as text, such that a figure copied from the page is one a program can read. */

/** Three significant digits: `0`, `0.0123`, `4.56e-7`, `NaN`. */
export function figure(value: number | undefined): string {
  if (value === undefined) return '–'
  if (value === 0 || !Number.isFinite(value)) return String(value)
  const size = Math.abs(value)
  if (size >= 1e5 || size < 1e-3) return value.toExponential(2)
  return size >= 1000 ? value.toFixed(0) : value.toPrecision(3)
}

/** A cosine, with the digits that tell it from 1. */
export function cosine(value: number): string {
  return value.toFixed(9)
}

/** As many digits as tell float32 values apart. */
export function element(value: number): string {
  return String(Number(value.toPrecision(9)))
}

export function probability(value: number): string {
  return value.toFixed(4)
}

/** Only what is all or nothing is 100 % or 0 %. */
export function percent(share: number): string {
  const value = share * 100
  if (share === 0 || share === 1 || Number.isNaN(share)) return `${value} %`
  if (value < 0.01) return '< 0.01 %'
  return value > 99.99 ? '> 99.99 %' : `${value.toPrecision(value > 99 ? 4 : 3)} %`
}

/** Without the zeros that nobody reads on an axis: `0`, `2e-7`, `0.5`. */
export function tick(value: number): string {
  const size = Math.abs(value)
  const isPlain = value === 0 || (size >= 1e-3 && size < 1e5)
  return isPlain
    ? String(Number(value.toPrecision(3)))
    : String(Number(value.toPrecision(2)).toExponential())
}

export function integer(value: number): string {
  return value.toLocaleString('en')
}

export function shape(dimensions: readonly number[]): string {
  return `[${dimensions.join(', ')}]`
}
