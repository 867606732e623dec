/**
 * Safetensors files made byte by byte, without the project's writer, and a place to put them.
 */
import { mkdtemp, readdir, readlink, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { SafetensorsError } from '../../src/checkpoint/safetensors/error.ts'

/** A directory that is removed when the test ends. */
export async function temporaryDirectory(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'roberta-ascend-safetensors-'))
  onTestFinished(() => rm(directory, { recursive: true, force: true }))
  return directory
}

/** `length` (by default that of the header) as 8 bytes, the header, the data. */
export function fileBytes(
  header: string | Uint8Array,
  data: Uint8Array = new Uint8Array(0),
  length?: bigint,
): Uint8Array {
  const text = typeof header === 'string' ? new TextEncoder().encode(header) : header
  const bytes = new Uint8Array(8 + text.length + data.length)
  new DataView(bytes.buffer).setBigUint64(0, length ?? BigInt(text.length), true)
  bytes.set(text, 8)
  bytes.set(data, 8 + text.length)
  return bytes
}

/** Writes a file of its own directory and returns its path. */
export async function temporaryFile(bytes: Uint8Array): Promise<string> {
  const path = join(await temporaryDirectory(), 'file.safetensors')
  await writeFile(path, bytes)
  return path
}

/** The bytes 0, 1, 2, … */
export function countingBytes(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => index)
}

/** How many files under `directory` this process has open, as Linux knows it. */
export async function openFiles(directory: string): Promise<number> {
  const descriptors = await readdir('/proc/self/fd')
  const links = await Promise.all(
    descriptors.map((descriptor) => readlink(`/proc/self/fd/${descriptor}`).catch(() => '')),
  )
  return links.filter((link) => link.startsWith(directory)).length
}

/** The SafetensorsError that a promise fails with. */
export async function failure(promise: Promise<unknown>): Promise<SafetensorsError> {
  const error = await promise.then(
    () => new Error('nothing was thrown'),
    (error: unknown) => error,
  )
  if (error instanceof SafetensorsError) return error
  throw error
}
