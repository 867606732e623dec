/**
 * On which threads calls run. NativeThread runs from `dist`, which `npm test` builds first, since
 * Node 20 cannot run a worker from TypeScript.
 */
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { NativeFunction } from '../../src/ffi/binding.ts'
import type { Signature } from '../../src/ffi/signature.ts'
import { bindingsUnderTest } from './bindings.ts'
import { compileEcho, noCompiler, temporaryFolder } from './compile.ts'

const built = new URL('../../dist/ffi/native-thread.js', import.meta.url).href
const { NativeThread, step } = (await import(
  built
)) as typeof import('../../src/ffi/native-thread.ts')

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
const path = noCompiler === undefined ? compileEcho(folder.path) : ''

describe.each(bindingsUnderTest)('threads of $name', ({ name, binding, skip }) => {
  beforeEach((context) => context.skip(skip !== undefined, skip))

  const library = skip === undefined ? binding?.open(path) : undefined
  function bind<S extends Signature>(symbol: string, signature: S): NativeFunction<S> {
    const found = library?.find(symbol, signature)
    if (found === undefined) throw new Error(`${symbol} is not in echo.c`)
    return found
  }
  const functions = () => ({
    threadId: bind('thread_id', 'int32 ()'),
    threadIdAfter: bind('thread_id_after', 'int32 (microseconds: uint32)'),
    setDevice: bind('set_device', 'int32 (id: int32)'),
    needDevice: bind('need_device', 'int32 (id: int32, us: uint32, thread: int32*)'),
    takeErrorText: bind('take_error_text', 'string ()'),
  })

  it('runs a plain call on the calling thread', () => {
    const { threadId, setDevice, needDevice } = functions()
    const before = threadId()
    setDevice(3)
    expect(needDevice(3, 0, null)).toBe(0)
    expect(threadId()).toBe(before)
    setDevice(-1)
  })

  it('runs asynchronous calls on several threads at the same time, none of them this one', async () => {
    const { threadId, threadIdAfter } = functions()
    const start = performance.now()
    const ids = await Promise.all(Array.from({ length: 4 }, () => threadIdAfter.async(200_000)))
    const elapsed = performance.now() - start
    expect(ids).not.toContain(threadId())
    expect(new Set(ids).size).toBeGreaterThan(1)
    expect(elapsed, 'four calls of 200 ms, one after the other, take 800').toBeLessThan(700)
  })

  it('loses thread-local state between asynchronous calls, as the documentation warns', async () => {
    const { setDevice, needDevice } = functions()
    expect(await setDevice.async(5)).toBe(0)
    // Four calls that overlap need four threads, and only one of those has device 5.
    const statuses = await Promise.all(
      Array.from({ length: 4 }, () => needDevice.async(5, 100_000, null)),
    )
    expect(statuses).toContain(107002)
  })

  it('keeps a sequence on one thread of its own, with its thread-local state', async () => {
    const { threadId, threadIdAfter, setDevice, needDevice, takeErrorText } = functions()
    const thread = new NativeThread(name)
    const seen = new Int32Array(1)
    const two = await thread.run([step(setDevice, 7), step(needDevice, 7, 1000, seen)])
    expect(two).toMatchObject({ results: [0, 0], failure: undefined })
    expect(two.calls.map(({ symbol }) => symbol)).toEqual(['set_device', 'need_device'])
    const [own] = (await thread.run([step(threadId)])).results
    expect(seen[0], 'the out-parameter comes back').toBe(own)
    expect(own).not.toBe(threadId())

    // JavaScript goes on while the thread waits.
    let turns = 0
    const timer = setInterval(() => turns++, 5)
    const waiting = thread.run([step(threadIdAfter, 200_000)])
    const after = thread.run([step(needDevice, 8, 0, null), step(threadId)], step(takeErrorText))
    expect((await waiting).results).toEqual([own])
    clearInterval(timer)
    expect(turns).toBeGreaterThan(5)
    // A failure ends the sequence, and its text is fetched where it was left.
    expect(await after).toMatchObject({ results: [107002], failure: 'context is null' })
    expect(takeErrorText(), 'this thread has none of it').toBeNull()
    await thread.close()
  })

  it('rejects what cannot run, and everything after its end', async () => {
    const { threadIdAfter } = functions()
    const thread = new NativeThread(name)
    const lost = { ...step(threadIdAfter, 0), symbol: 'no_such_function' }
    await expect(thread.run([lost])).rejects.toMatchObject({ kind: 'device' })
    await expect(thread.run([lost])).rejects.toThrow('there is no no_such_function in')
    await expect(thread.run([step(threadIdAfter, 0)])).rejects.toThrow('no_such_function')
    const other = new NativeThread(name)
    const inFlight = other.run([step(threadIdAfter, 300_000)])
    const ended = expect(inFlight).rejects.toThrow('it has ended')
    await other.close()
    await ended
    await expect(other.run([])).rejects.toThrow('it has ended')
  })
})
