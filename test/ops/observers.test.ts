/** Observers and scopes: what is reported, in which order, under which name, and for how long. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ReferenceBackend } from '../../src/backends/reference/reference-backend.ts'
import type { OperatorCall } from '../../src/ops/backend.ts'
import {
  add,
  attention,
  currentScope,
  gelu,
  isObserved,
  type ModuleEvent,
  type Observer,
  type OperatorEvent,
  observe,
  permute,
  scale,
  scope,
  softmax,
  tensor,
} from '../../src/ops/index.ts'
import { DisposedTensorError } from '../../src/tensor/errors.ts'
import { arena, type Tensor } from '../../src/tensor/tensor.ts'

/** The reference with a kernel for attention, which copies the values and counts its calls. */
class FusedBackend extends ReferenceBackend {
  fusedCalls = 0

  override supports(...call: Parameters<ReferenceBackend['supports']>): true | string {
    return call[0] === 'attention' || super.supports(...call)
  }

  override execute(call: OperatorCall): void {
    const { operator, inputs, output } = call
    if (operator === 'attention') {
      this.fusedCalls += 1
      super.execute({ operator: 'contiguous', inputs: [inputs[2]], attributes: {}, output })
    } else {
      super.execute(call)
    }
  }
}

let backend: FusedBackend
let x: Tensor

beforeEach(() => {
  backend = new FusedBackend()
  x = tensor(backend, 'float32', [2, 1], Float32Array.of(1, 1))
})

afterEach(() => {
  x.dispose()
  expect(backend.heldBytes).toBe(0)
  expect(currentScope()).toBe('')
})

/** An observer that writes down what happens: `operator scope within` and `module scope`. */
function recorder(looksInside = false): Observer & { readonly lines: string[] } {
  const lines: string[] = []
  return {
    lines,
    looksInside,
    operator: ({ operator, scope: where, within }) =>
      void lines.push(`${operator} '${where}' ${within ?? '-'}`),
    module: ({ scope: where }) => void lines.push(`module '${where}'`),
  }
}

function attend(): Tensor {
  return attention(x, x, x, undefined, { numHeads: 1, lengths: [2] })
}

/** Runs and frees. */
function run(body: () => Tensor): void {
  arena(() => {
    body()
    return undefined
  })
}

describe('an observer', () => {
  it('sees operators in the order they run, views too, with what went in and came out', () => {
    const events: OperatorEvent[] = []
    using _observing = observe({ operator: (event) => void events.push(event) })
    run(() => {
      const turned = permute(x, [1, 0])
      const sum = add(x, x)
      const probabilities = softmax(sum, undefined, { axis: 0 })
      expect(events.map(({ operator }) => operator)).toEqual(['permute', 'add', 'softmax'])
      expect(events.map(({ output }) => output)).toEqual([turned, sum, probabilities])
      expect(events[2]?.output).toBe(probabilities)
      expect(events[1]?.inputs).toEqual([x, x])
      expect(events[2]?.inputs).toEqual([sum, undefined])
      expect(events[2]?.attributes).toEqual({ axis: 0, scale: 1 })
      return probabilities
    })
  })

  it('sees nothing before it is attached, after it is detached, and of what failed', () => {
    const { lines, ...observer } = recorder()
    run(() => gelu(x))
    {
      using _observing = observe(observer)
      run(() => gelu(x))
      expect(() => permute(x, [0, 0])).toThrow()
    }
    run(() => gelu(x))
    expect(lines).toEqual(["gelu '' -"])
  })

  it('may listen to modules only; several see the same, in the order of attaching', () => {
    const [first, second] = [recorder(), recorder()]
    const seen: string[] = []
    using _modules = observe({ module: (event) => void seen.push(`modules ${event.scope}`) })
    using _first = observe(first)
    using _second = observe({
      operator: () => void seen.push(`second after ${first.lines.length}`),
      module: (event) => second.module?.(event),
    })
    scope('encoder', () => void gelu(x))
    expect(first.lines).toEqual(["gelu 'encoder' -", "module 'encoder'"])
    expect(seen).toEqual(['second after 1', 'modules encoder'])
  })

  it('is not needed: without one operators run and nobody is told', () => {
    const { lines, ...observer } = recorder()
    observe(observer)[Symbol.dispose]()
    scope('encoder', () => void gelu(x))
    expect(lines).toEqual([])
  })

  it('that throws leaves nothing behind', () => {
    const before = backend.heldBytes
    const failing = {
      operator: () => {
        throw new Error('seen enough')
      },
    }
    {
      using _ = observe(failing)
      expect(() => gelu(x)).toThrow('seen enough')
    }
    expect(backend.heldBytes).toBe(before)
  })

  it('may run operators, which nobody is told about', () => {
    const watch = recorder()
    const curious: Observer = { operator: ({ output }) => scale(output, 2).dispose() }
    {
      using _first = observe(curious)
      using _second = observe(watch)
      run(() => gelu(x))
    }
    expect(watch.lines).toEqual(["gelu '' -"])
  })
})

describe('scopes', () => {
  it('name the operators in them, nest, and end', () => {
    const observer = recorder()
    using _observing = observe(observer)
    run(() => {
      gelu(x)
      return scope('roberta.encoder', () => {
        scope('roberta.encoder.layer.0', () => scale(x, 2))
        return add(x, x)
      })
    })
    expect(observer.lines).toEqual([
      "gelu '' -",
      "scale 'roberta.encoder.layer.0' -",
      "module 'roberta.encoder.layer.0'",
      "add 'roberta.encoder' -",
      "module 'roberta.encoder'",
    ])
  })

  it('end when their body throws, without a module event', () => {
    const observer = recorder()
    using _observing = observe(observer)
    const failing = (): undefined => {
      gelu(x)
      throw new Error('as planned')
    }
    expect(() => scope('encoder', failing)).toThrow('as planned')
    expect(currentScope()).toBe('')
    expect(observer.lines).toEqual(["gelu 'encoder' -"])
  })

  it('report what they return, and free the rest', () => {
    const events: ModuleEvent[] = []
    using _observing = observe({ module: (event) => void events.push(event) })
    let inner: Tensor | undefined
    using result = scope('dense', () => {
      inner = gelu(x)
      return scale(inner, 2)
    }, [x, { rows: x }, undefined])
    expect(events.map(({ output }) => output)).toEqual([result])
    expect(events[0]?.inputs).toEqual([x])
    expect([inner?.isDisposed, result.isDisposed]).toEqual([true, false])
  })
})

describe('a composite operator', () => {
  it('runs fused where the device can, and is then one event', () => {
    const observer = recorder()
    using _observing = observe(observer)
    run(attend)
    expect(backend.fusedCalls).toBe(1)
    expect(observer.lines).toEqual(["attention '' -"])
  })

  it('is taken apart when an observer looks inside, and each part says within what it ran', () => {
    const [outside, inside] = [recorder(), recorder(true)]
    using _outside = observe(outside)
    using _inside = observe(inside)
    scope('attention.self', () => void attend())
    expect(backend.fusedCalls).toBe(0)
    const parts = inside.lines.slice(0, -2)
    expect(parts.filter((line) => /matmul|softmax/.test(line))).toEqual([
      "matmul 'attention.self' attention",
      "softmax 'attention.self' attention",
      "matmul 'attention.self' attention",
    ])
    expect(parts.every((line) => line.endsWith("'attention.self' attention"))).toBe(true)
    expect(inside.lines.slice(-2)).toEqual([
      "attention 'attention.self' -",
      "module 'attention.self'",
    ])
    expect(outside.lines).toEqual(inside.lines)
  })

  it('runs fused again when the observer is gone', () => {
    observe(recorder(true))[Symbol.dispose]()
    run(attend)
    expect(backend.fusedCalls).toBe(1)
  })

  it('is over when one of its parts fails: what comes next is within nothing', () => {
    const observer = recorder(true)
    using _observing = observe(observer)
    using _failing = observe({
      operator: ({ operator }) => {
        if (operator === 'softmax') throw new Error('as planned')
      },
    })
    expect(() => run(attend)).toThrow('as planned')
    run(() => gelu(x))
    expect(observer.lines.at(-1)).toBe("gelu '' -")
  })
})

describe('an observer of one backend', () => {
  it('sees what runs there, and nothing of another', () => {
    const other = new FusedBackend()
    using y = tensor(other, 'float32', [1], Float32Array.of(1))
    const observer = recorder(true)
    {
      using _observing = observe(observer, backend)
      run(() => scope('elsewhere', () => gelu(y)))
      run(() => scope('here', () => gelu(x), [x]))
      expect(isObserved(backend)).toBe(true)
      expect(isObserved(other)).toBe(false)
    }
    expect(observer.lines).toEqual(["gelu 'here' -", "module 'here'"])
    expect(isObserved(backend)).toBe(false)
  })

  it('does not take apart what another backend runs', () => {
    using _observing = observe(recorder(true), new FusedBackend())
    run(attend)
    expect(backend.fusedCalls).toBe(1)
  })
})

describe('tensors shown to an observer', () => {
  it('can be read during the callback, and later only through an alias', async () => {
    const shown: Tensor[] = []
    const kept: Tensor[] = []
    const early: Promise<Float64Array>[] = []
    using _observing = observe({
      operator: ({ operator, output }) => {
        if (operator !== 'gelu') return
        early.push(output.numbers())
        shown.push(output)
        kept.push(output.alias())
      },
    })
    const large = tensor(backend, 'float32', [1], Float32Array.of(100))
    scope('encoder', () => scale(gelu(large), 2)).dispose()
    large.dispose()
    expect(await early[0]).toEqual(Float64Array.of(100))
    await expect(shown[0]?.numbers()).rejects.toThrow(DisposedTensorError)
    expect(await kept[0]?.numbers()).toEqual(Float64Array.of(100))
    kept[0]?.dispose()
  })
})
