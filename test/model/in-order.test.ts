/** Several at a time and in order, with promises that the tests settle by hand. */
import { expect, test } from 'vitest'
import { mapInOrder } from '../../src/model/in-order.ts'

const tick = () => new Promise((resolve) => setImmediate(resolve))

/** Something to map with, whose results come when the test says so. */
function byHand() {
  const settle = new Map<number, { done: () => void; fail: (error: unknown) => void }>()
  return {
    settle,
    map: (item: number) =>
      new Promise<string>((resolve, reject) => {
        settle.set(item, { done: () => resolve(`result ${item}`), fail: reject })
      }),
  }
}

async function gather(results: AsyncIterable<string>, into: string[]): Promise<void> {
  for await (const result of results) into.push(result)
}

test('results come in the order of the items, and no more are under way than may be', async () => {
  const { settle, map } = byHand()
  const results: string[] = []
  const ended = gather(mapInOrder([0, 1, 2, 3], 2, map), results)
  await tick()
  expect([...settle.keys()]).toEqual([0, 1])
  settle.get(1)!.done()
  await tick()
  expect(results).toEqual([])
  expect([...settle.keys()]).toEqual([0, 1])
  settle.get(0)!.done()
  await tick()
  expect(results).toEqual(['result 0', 'result 1'])
  expect([...settle.keys()]).toEqual([0, 1, 2, 3])
  settle.get(3)!.done()
  settle.get(2)!.done()
  await ended
  expect(results).toEqual([0, 1, 2, 3].map((item) => `result ${item}`))
})

test('a result does not wait for the next item', async () => {
  let give: (item: number) => void = () => {}
  const slow = async function* () {
    yield 0
    yield await new Promise<number>((resolve) => {
      give = resolve
    })
  }
  const { settle, map } = byHand()
  const results: string[] = []
  const ended = gather(mapInOrder(slow(), 2, map), results)
  await tick()
  settle.get(0)!.done()
  await tick()
  expect(results).toEqual(['result 0'])
  give(1)
  await tick()
  settle.get(1)!.done()
  await ended
  expect(results).toEqual(['result 0', 'result 1'])
})

test('an item that cannot be had is an error after the results of those before', async () => {
  const broken = async function* () {
    yield 0
    yield 1
    throw new Error('no more items')
  }
  const { settle, map } = byHand()
  const results: string[] = []
  const ended = gather(mapInOrder(broken(), 3, map), results)
  await tick()
  settle.get(1)!.done()
  settle.get(0)!.done()
  await expect(ended).rejects.toThrow('no more items')
  expect(results).toEqual(['result 0', 'result 1'])
})

test('a failure comes in its place, when nothing is under way any more', async () => {
  let isReturned = false
  const items = function* () {
    try {
      for (let item = 0; ; item++) yield item
    } finally {
      isReturned = true
    }
  }
  const { settle, map } = byHand()
  const results: string[] = []
  let failure: unknown
  const ended = gather(mapInOrder(items(), 3, map), results).catch((error: unknown) => {
    failure = error
  })
  await tick()
  settle.get(1)!.fail(new Error('item 1 failed'))
  settle.get(2)!.fail(new Error('item 2 failed'))
  await tick()
  expect(failure).toBeUndefined()
  settle.get(0)!.done()
  await tick()
  expect([...settle.keys()]).toEqual([0, 1, 2, 3])
  expect(failure).toBeUndefined()
  settle.get(3)!.done()
  await ended
  expect(failure).toMatchObject({ message: 'item 1 failed' })
  expect(results).toEqual(['result 0'])
  expect(isReturned).toBe(true)
})

test('a source that was asked for another item is closed when that comes, and nobody waits for it', async () => {
  let give: (item: number) => void = () => {}
  let isReturned = false
  const slow = async function* () {
    try {
      yield 0
      yield await new Promise<number>((resolve) => {
        give = resolve
      })
      yield 2
    } finally {
      isReturned = true
    }
  }
  const { settle, map } = byHand()
  const ended = gather(mapInOrder(slow(), 2, map), [])
  await tick()
  settle.get(0)!.fail(new Error('item 0 failed'))
  await expect(ended).rejects.toThrow('item 0 failed')
  expect(isReturned).toBe(false)
  give(1)
  await tick()
  expect(isReturned).toBe(true)
  expect([...settle.keys()]).toEqual([0])
})

test('whoever has enough ends it, and what is under way ends before', async () => {
  const { settle, map } = byHand()
  const results = mapInOrder([0, 1, 2], 2, map)
  const first = results.next()
  await tick()
  settle.get(0)!.done()
  expect(await first).toEqual({ done: false, value: 'result 0' })
  let isOver = false
  const over = results.return().then(() => {
    isOver = true
  })
  await tick()
  expect(isOver).toBe(false)
  settle.get(1)!.done()
  await over
  expect([...settle.keys()]).toEqual([0, 1])
})
