/** What crosses the border to C and back, over every binding. Expectations are worked out by hand. */
import { execFileSync } from 'node:child_process'
import { cpSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeEach, describe, expect, it } from 'vitest'
import type { NativeFunction } from '../../src/ffi/binding.ts'
import { LibraryLoadError } from '../../src/ffi/binding.ts'
import { chosenBinding, loadBinding } from '../../src/ffi/load-binding.ts'
import type { Signature } from '../../src/ffi/signature.ts'
import { bindingsUnderTest } from './bindings.ts'
import { compileEcho, compileLibrary, noCompiler, temporaryFolder } from './compile.ts'

const folder = temporaryFolder()
afterAll(() => folder[Symbol.dispose]())
const path = noCompiler === undefined ? compileEcho(folder.path) : ''

describe.each(bindingsUnderTest)('binding $name', ({ binding, skip }) => {
  beforeEach((context) => context.skip(skip !== undefined, skip))

  const library = skip === undefined ? binding?.open(path) : undefined
  function bind<S extends Signature>(symbol: string, signature: S): NativeFunction<S> {
    const found = library?.find(symbol, signature)
    if (found === undefined) throw new Error(`${symbol} is not in echo.c`)
    return found
  }

  it('passes small integers through at both ends of their range', () => {
    const int8 = bind('echo_int8', 'int8 (v: int8)')
    const int32 = bind('echo_int32', 'int32 (v: int32)')
    const uint32 = bind('echo_uint32', 'uint32 (v: uint32)')
    expect([-128, -1, 0, 127].map((v) => int8(v))).toEqual([-128, -1, 0, 127])
    expect([-(2 ** 31), -1, 2 ** 31 - 1].map((v) => int32(v))).toEqual([
      -(2 ** 31),
      -1,
      2 ** 31 - 1,
    ])
    expect([0, 2 ** 32 - 1].map((v) => uint32(v))).toEqual([0, 2 ** 32 - 1])
  })

  it('passes 64-bit integers exactly, small ones as bigints too', () => {
    const int64 = bind('echo_int64', 'int64 (v: int64)')
    const uint64 = bind('echo_uint64', 'uint64 (v: uint64)')
    const signed = [0n, 1n, -1n, 2n ** 53n + 1n, -(2n ** 53n) - 1n, 2n ** 63n - 1n, -(2n ** 63n)]
    const unsigned = [0n, 1n, 2n ** 53n + 1n, 2n ** 63n + 1n, 2n ** 64n - 1n]
    expect(signed.map((v) => int64(v))).toEqual(signed)
    expect(unsigned.map((v) => uint64(v))).toEqual(unsigned)
  })

  it('passes floats, doubles and bools with their exact bits', () => {
    expect(bind('echo_float', 'float (v: float)')(0.1)).toBe(Math.fround(0.1))
    expect(bind('echo_double', 'double (v: double)')(0.1)).toBe(0.1)
    expect(bind('echo_double', 'double (v: double)')(Number.NaN)).toBeNaN()
    // IEEE 754: 0.1 is 3dcccccd in binary32 and 3fb999999999999a in binary64.
    expect(bind('bits_of_float', 'uint32 (v: float)')(0.1)).toBe(0x3dcccccd)
    expect(bind('bits_of_double', 'uint64 (v: double)')(0.1)).toBe(0x3fb999999999999an)
    expect(bind('bits_of_double', 'uint64 (v: double)')(-0)).toBe(2n ** 63n)
    const echo = bind('echo_bool', 'bool (v: bool)')
    const byte = bind('byte_of_bool', 'int32 (v: bool)')
    expect([echo(true), echo(false), byte(true), byte(false)]).toEqual([true, false, 1, 0])
  })

  it('passes pointers as exact bigints and NULL as 0n', () => {
    const echo = bind('echo_pointer', 'pointer (v: pointer)')
    const pointers = [0n, 1n, 2n ** 53n + 1n, 0x1000_0000_0000_0001n, 2n ** 64n - 1n]
    expect(pointers.map((v) => echo(v))).toEqual(pointers)
    const isNull = bind('is_null', 'bool (v: pointer)')
    expect([isNull(0n), isNull(1n)]).toEqual([true, false])
  })

  it('views memory of C in place', () => {
    // The library's own text, in UTF-8: G, r, ü (2 bytes) …
    const address = bind('constant_string', 'pointer ()')()
    const text = binding!.view(address, 4)
    expect([...text]).toEqual([0x47, 0x72, 0xc3, 0xbc])
    const memory = new Uint8Array(64)
    const there = bind('address_of', 'pointer (v: memory)')(memory)
    binding!.view(there, 64)[63] = 5
    expect(memory[63]).toBe(5)
  })

  it('passes strings both ways in UTF-8, and NULL as null', () => {
    const echo = bind('echo_string', 'string (v: string)')
    expect(['', 'a', 'Grüße, 昇腾 😀'].map((v) => echo(v))).toEqual(['', 'a', 'Grüße, 昇腾 😀'])
    expect(echo(null)).toBeNull()
    expect(bind('string_is_null', 'bool (v: string)')(null)).toBe(true)
    expect(bind('string_length', 'uint64 (v: string)')('昇腾')).toBe(6n)
    expect(bind('constant_string', 'string ()')()).toBe('Grüße, 昇腾')
  })

  it('fills out-parameters of every type in place', () => {
    const write = bind(
      'write_all',
      'void (a: int32*, b: uint32*, c: int64*, d: uint64*, e: float*, f: pointer*)',
    )
    const a = new Int32Array(1)
    const b = new Uint32Array(1)
    const c = new BigInt64Array(1)
    // The second of three elements, so that a binding that loses the offset of a view is caught.
    const d = new BigUint64Array(3).subarray(1, 2)
    const e = new Float32Array(1)
    const f = new BigUint64Array(1)
    write(a, b, c, d, e, f)
    expect([a[0], b[0]]).toEqual([-(2 ** 31), 2 ** 32 - 1])
    expect(c[0]).toBe(-(2n ** 63n))
    expect([...new BigUint64Array(d.buffer)]).toEqual([0n, 2n ** 64n - 1n, 0n])
    expect(e[0]).toBe(Math.fround(0.1))
    expect(f[0]).toBe(0xfedcba9876543210n)
  })

  it('passes arrays, NULL for null, and respects the offset of a view', () => {
    const fold = bind('fold_int64', 'int64 (v: int64*, n: uint64)')
    // ((2^53+1)·31 − 7)·31 + 5
    const expected = ((2n ** 53n + 1n) * 31n - 7n) * 31n + 5n
    expect(fold(BigInt64Array.of(2n ** 53n + 1n, -7n, 5n), 3n)).toBe(expected)
    expect(fold(BigInt64Array.of(9n, 2n ** 53n + 1n, -7n, 5n).subarray(1), 3n)).toBe(expected)
    expect(fold(null, 3n)).toBe(0n)
    expect(fold(new BigInt64Array(0), 0n)).toBe(0n)
    const xor = bind('xor_pointers', 'uint64 (v: pointer*, n: uint64)')
    expect(xor(BigUint64Array.of(1n, 2n ** 60n), 2n)).toBe(3n ^ (2n ** 60n))
    const sum = bind('sum_floats', 'double (v: float*, n: uint64)')
    expect(sum(Float32Array.of(0.5, 0.25, -4), 3n)).toBe(-3.25)
  })

  it('passes memory as a view of any kind or as an address', () => {
    const copy = bind('copy_bytes', 'void (to: memory, from: memory, n: uint64)')
    const addressOf = bind('address_of', 'pointer (v: memory)')
    const from = Buffer.from('abcdefgh')
    const to = new Uint8Array(8)
    copy(new DataView(to.buffer, 2), from.subarray(3), 4n)
    expect(Buffer.from(to).toString('latin1')).toBe('\0\0defg\0\0')
    copy(addressOf(to), addressOf(from), 8n)
    expect(Buffer.from(to).toString('latin1')).toBe('abcdefgh')
    expect(addressOf(to.subarray(5)) - addressOf(to)).toBe(5n)
    expect(addressOf(null)).toBe(0n)
  })

  it('keeps twenty mixed arguments apart', () => {
    const mix = bind(
      'mix20',
      'string (a: int8, b: double, c: pointer, d: int64, e: bool, f: float, g: uint32, h: string, i: int32, j: double, k: uint64, l: int64*, m: double, n: int8, o: double, p: pointer, q: bool, r: double, s: int64, t: uint64*)',
    )
    const length = new BigUint64Array(1)
    const array = BigInt64Array.of(0n, -11n)
    const text = mix(
      -1,
      2.5,
      0xdeadbeefcafebaben,
      -4n,
      true,
      6.25,
      2 ** 32 - 1,
      'eight',
      -9,
      1e10,
      2n ** 64n - 1n,
      array,
      13.5,
      127,
      0.125,
      16n,
      false,
      18.75,
      -(2n ** 63n),
      length,
    )
    expect(text).toBe(
      '-1 2.5 deadbeefcafebabe -4 1 6.25 4294967295 eight -9 1e+10 18446744073709551615 ' +
        '-11 13.5 127 0.125 10 0 18.75 -9223372036854775808',
    )
    expect(length[0]).toBe(BigInt(text?.length ?? 0))
  })

  it('answers the same from an asynchronous call', async () => {
    const echo = bind('echo_pointer', 'pointer (v: pointer)')
    expect(await echo.async(0n)).toBe(0n)
    expect(await echo.async(2n ** 64n - 1n)).toBe(2n ** 64n - 1n)
    expect(await bind('echo_int64', 'int64 (v: int64)').async(5n)).toBe(5n)
    expect(await bind('echo_string', 'string (v: string)').async('昇腾')).toBe('昇腾')
    const copy = bind('copy_bytes', 'void (to: memory, from: memory, n: uint64)')
    const to = Buffer.alloc(3)
    await copy.async(to, Buffer.from('abc'), 3n)
    expect(to.toString()).toBe('abc')
  })

  it.skipIf(process.platform !== 'linux')(
    'keeps a library open that nobody refers to',
    async () => {
      const output = join(folder.path, `libforgotten-${binding!.name}.so`)
      compileLibrary('int forgotten(void) { return 1; }', output)
      const use = () => binding!.open(output).find('forgotten', 'int32 ()')!()
      expect(use()).toBe(1)
      setFlagsFromString('--expose-gc')
      const collectGarbage = runInNewContext('gc') as () => void
      for (let round = 0; round < 5; round++) {
        await setImmediate()
        collectGarbage()
      }
      expect(readFileSync('/proc/self/maps', 'utf8')).toContain(output)
    },
  )

  it('keeps the memory of asynchronous calls alive through garbage collection', async () => {
    const fold = bind('fold_int64', 'int64 (v: int64*, n: uint64)')
    const wait = bind('thread_id_after', 'int32 (microseconds: uint32)')
    setFlagsFromString('--expose-gc')
    const collectGarbage = runInNewContext('gc') as () => void
    // More waiting calls than libuv has threads, so that the calls of interest wait for one.
    const busy = Array.from({ length: 8 }, () => wait.async(100_000))
    const pending = Array.from({ length: 40 }, (_, i) =>
      fold.async(new BigInt64Array(1000).fill(BigInt(i)), 1n),
    )
    for (let round = 0; round < 5; round++) {
      await setImmediate()
      collectGarbage()
      // Takes the place of whatever was freed.
      for (let i = 0; i < 200; i++) new BigInt64Array(1000).fill(-1n)
    }
    expect(await Promise.all(pending)).toEqual(Array.from({ length: 40 }, (_, i) => BigInt(i)))
    await Promise.all(busy)
  })

  it('names library, symbol and signature of a function', () => {
    const { library: from, symbol, signature } = bind('echo_int8', 'int8 (v: int8)')
    expect([from, symbol, signature]).toEqual([path, 'echo_int8', 'int8 (v: int8)'])
  })

  it('answers undefined for a symbol that is not there', () => {
    expect(library?.find('no_such_function', 'int32 ()')).toBeUndefined()
  })

  it("throws the loader's words for a library that cannot be loaded", () => {
    const open = () => binding?.open('/nowhere/libnothing.so')
    expect(open).toThrow(LibraryLoadError)
    expect(open).toThrow(
      '/nowhere/libnothing.so cannot be loaded: ' +
        'cannot open shared object file: No such file or directory',
    )
  })

  it("keeps the name of a missing dependency in the loader's words", () => {
    const dependency = join(folder.path, 'libgone.so')
    const needy = join(folder.path, 'libneedy.so')
    compileLibrary('int gone(void) { return 1; }', dependency, ['-Wl,-soname,libgone.so'])
    compileLibrary('', needy, [dependency])
    rmSync(dependency)
    expect(() => binding?.open(needy)).toThrow(
      `${needy} cannot be loaded: ` +
        'libgone.so: cannot open shared object file: No such file or directory',
    )
  })
})

describe('shared memory', () => {
  it('passes through koffi, and ffi-napi refuses it by name', (context) => {
    const view = new Uint8Array(new SharedArrayBuffer(8))
    for (const { name, binding, skip } of bindingsUnderTest) {
      context.skip(skip !== undefined, skip)
      const copy = binding
        ?.open(path)
        .find('copy_bytes', 'void (to: memory, from: memory, n: uint64)')
      const call = () => copy?.(view, Buffer.from('abc'), 3n)
      if (name === 'ffi-napi') expect(call).toThrow('ffi-napi cannot pass shared memory')
      else expect(call).not.toThrow()
    }
    expect([...view.subarray(0, 4)]).toEqual([97, 98, 99, 0])
  })
})

describe('the choice of a binding', () => {
  it('is koffi unless ROBERTA_ASCEND_FFI names another', () => {
    expect(chosenBinding({})).toBe('koffi')
    expect(chosenBinding({ ROBERTA_ASCEND_FFI: '' })).toBe('koffi')
    expect(chosenBinding({ ROBERTA_ASCEND_FFI: 'ffi-napi' })).toBe('ffi-napi')
  })

  it('refuses a name that is no binding', () => {
    expect(() => chosenBinding({ ROBERTA_ASCEND_FFI: 'dlopen' })).toThrow(
      "ROBERTA_ASCEND_FFI: there is no FFI binding 'dlopen'; choose one of koffi, ffi-napi",
    )
  })

  it('loads the binding that was asked for', () => {
    expect(loadBinding('koffi').name).toBe('koffi')
  })

  it('says how to install a binding that is not there', () => {
    // The built files in a folder of their own find no packages.
    using elsewhere = temporaryFolder()
    const dist = fileURLToPath(new URL('../../dist', import.meta.url))
    writeFileSync(join(elsewhere.path, 'package.json'), '{"type":"module"}')
    cpSync(join(dist, 'errors.js'), join(elsewhere.path, 'errors.js'))
    cpSync(join(dist, 'ffi'), join(elsewhere.path, 'ffi'), { recursive: true })
    const script = `
      import { bindingNames, loadBinding } from './ffi/load-binding.js'
      for (const name of bindingNames) {
        try { loadBinding(name) } catch (error) { console.log(error.name, error.kind, error.message) }
      }`
    const node = ['--input-type=module', '--eval', script]
    const said = execFileSync(process.execPath, node, { cwd: elsewhere.path, encoding: 'utf8' })
    expect(said.split('\n')).toEqual([
      expect.stringMatching(
        /^BindingUnavailableError environment the FFI binding 'koffi' cannot be loaded: Cannot find module 'koffi'; .*npm ci/,
      ),
      expect.stringMatching(
        /^BindingUnavailableError environment the FFI binding 'ffi-napi' cannot be loaded: Cannot find module 'ffi-napi'; .*npm install ffi-napi@npm:@2060\.io\/ffi-napi.*or unset ROBERTA_ASCEND_FFI/,
      ),
      '',
    ])
  })
})
