/**
 * What the build makes and the backend loads by path: the kernels and the worker. Run from source, as
 * the tests do, it is that of the last build, since Node 20 cannot run TypeScript in a worker.
 */
import { readFileSync } from 'node:fs'
import { extname } from 'node:path'
import { setFlagsFromString } from 'node:v8'

const isSource = extname(new URL(import.meta.url).pathname) === '.ts'
const built = (name: string): URL =>
  new URL(isSource ? `../../../dist/backends/cpu/${name}` : name, import.meta.url)

export const workerFile = built('worker.js')

/** (module (func (result v128) v128.const 0 ×3, f32x4.relaxed_madd)) */
const relaxedProbe = Uint8Array.of(
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...[1, 5, 1, 0x60, 0, 1, 0x7b],
  ...[3, 2, 1, 0],
  ...[10, 19, 1, 17, 0, 0x41, 0, 0xfd, 0x11, 0x41, 0, 0xfd, 0x11, 0x41, 0, 0xfd, 0x11],
  ...[0xfd, 0x85, 2, 0x0b],
)

/** V8 11 (Node 20) has relaxed SIMD behind a flag that may be set at any time; later ones have it on. */
function hasRelaxedSimd(): boolean {
  if (WebAssembly.validate(relaxedProbe)) return true
  if (!process.versions.v8.startsWith('11.')) return false
  setFlagsFromString('--experimental-wasm-relaxed-simd')
  return WebAssembly.validate(relaxedProbe)
}

/** Compiles the kernels: with relaxed SIMD where the engine has it, unless it is not wanted. */
export function compileKernels(relaxedSimd = true): {
  readonly module: WebAssembly.Module
  readonly isRelaxed: boolean
} {
  const isRelaxed = relaxedSimd && hasRelaxedSimd()
  const file = built(isRelaxed ? 'kernels-relaxed.wasm' : 'kernels.wasm')
  return { module: new WebAssembly.Module(readFileSync(file)), isRelaxed }
}
