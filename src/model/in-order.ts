/** Several at a time, and in order all the same. */

/**
 * What `map` makes of each item, in the order of the items, while it works on `most` of them at a time. The
 * next item is asked for when there is room, and nobody waits for it who could have a result. Where an
 * item cannot be had, the results of those before it come first, then the error. When this ends, nothing
 * is under way.
 */
export async function* mapInOrder<Item, Result>(
  items: AsyncIterable<Item> | Iterable<Item>,
  most: number,
  map: (item: Item) => Promise<Result>,
): AsyncGenerator<Result, void, undefined> {
  const iterator = iteratorOf(items)
  const underWay: Promise<Result>[] = []
  let next: Promise<Next<Item>> | undefined
  let end: (Next<Item> & { readonly isEnd: true }) | undefined
  try {
    for (;;) {
      if (end === undefined && underWay.length < most) next ??= ask(iterator)
      const [oldest] = underWay
      if (next === undefined && oldest === undefined) break
      const result = oldest?.then((value) => ({ value }))
      const first = await (next === undefined
        ? result!
        : result
          ? Promise.race([result, next])
          : next)
      if ('value' in first) {
        underWay.shift()
        yield first.value
        continue
      }
      next = undefined
      if (first.isEnd) end = first
      else {
        const mapped = map(first.item)
        // Whoever waits for it hears of its failure.
        mapped.catch(() => {})
        underWay.push(mapped)
      }
    }
    if (end?.failure !== undefined) throw end.failure
  } finally {
    await Promise.allSettled(underWay)
    if (end === undefined) {
      const closing = close(iterator)
      // Who is asked for an item closes when it is there, and it may never come.
      if (next === undefined) await closing
      else closing.catch(() => {})
    }
  }
}

type Next<Item> =
  | { readonly isEnd: false; readonly item: Item }
  | { readonly isEnd: true; readonly failure: unknown }

/** Never rejects. */
async function ask<Item>(iterator: AnyIterator<Item>): Promise<Next<Item>> {
  try {
    const { done, value } = await iterator.next()
    return done === true ? { isEnd: true, failure: undefined } : { isEnd: false, item: value }
  } catch (failure) {
    return { isEnd: true, failure }
  }
}

async function close(iterator: AnyIterator<unknown>): Promise<void> {
  await iterator.return?.()
}

type AnyIterator<Item> = AsyncIterator<Item, unknown> | Iterator<Item, unknown>

function iteratorOf<Item>(items: AsyncIterable<Item> | Iterable<Item>): AnyIterator<Item> {
  return Symbol.asyncIterator in items ? items[Symbol.asyncIterator]() : items[Symbol.iterator]()
}
