/** Ranges of addresses that are free, none of which touches another. */
interface Range {
  readonly begin: number
  readonly end: number
}

export class FreeRanges {
  /** In the order of their addresses. */
  #ranges: readonly Range[] = []

  get bytes(): number {
    return this.#ranges.reduce((sum, { begin, end }) => sum + end - begin, 0)
  }

  /** The address of `size` bytes of the first range that has them; undefined where none has. */
  take(size: number): number | undefined {
    const found = this.#ranges.find(({ begin, end }) => end - begin >= size)
    if (found === undefined) return undefined
    this.#ranges = this.#ranges.flatMap((range) => {
      if (range !== found) return [range]
      const begin = found.begin + size
      return begin < found.end ? [{ begin, end: found.end }] : []
    })
    return found.begin
  }

  /** Takes the range that ends at `end`, and gives its begin; `end` where there is none. */
  takeBefore(end: number): number {
    const last = this.#ranges.find((range) => range.end === end)
    if (last === undefined) return end
    this.#ranges = this.#ranges.filter((range) => range !== last)
    return last.begin
  }

  put(address: number, size: number): void {
    let [begin, end] = [address, address + size]
    const others = this.#ranges.filter((range) => {
      if (range.end < begin || range.begin > end) return true
      begin = Math.min(begin, range.begin)
      end = Math.max(end, range.end)
      return false
    })
    this.#ranges = [...others, { begin, end }].sort((a, b) => a.begin - b.begin)
  }
}
