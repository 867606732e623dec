/**
 * The weights of a model in a directory: one safetensors file, or several with an index.
 *
 * The index and its shards must agree on every name. Formats that run code when they are loaded,
 * such as pytorch_model.bin, are not read.
 */
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { readCheckpointIndex } from './checkpoint-index.ts'
import { quote, quoteList } from './quote.ts'
import { SafetensorsError } from './safetensors/error.ts'
import { fileOperation } from './safetensors/io.ts'
import { type RawTensor, SafetensorsFile, type TensorInfo } from './safetensors/reader.ts'

const singleName = 'model.safetensors'
const indexName = 'model.safetensors.index.json'

export class Checkpoint {
  /** Byte offsets are those in the tensor's own file. */
  readonly tensors: ReadonlyMap<string, TensorInfo>
  readonly #homes: ReadonlyMap<string, SafetensorsFile>

  private constructor(
    /** The file that stands for all: model.safetensors, or the index of the shards. */
    readonly path: string,
    private readonly files: readonly SafetensorsFile[],
  ) {
    const entries = files.flatMap((file) =>
      [...file.tensors.values()].map((info) => ({ file, info })),
    )
    this.tensors = new Map(entries.map(({ info }) => [info.name, info]))
    this.#homes = new Map(entries.map(({ file, info }) => [info.name, file]))
  }

  /**
   * Opens model.safetensors or, where there is none, the shards that model.safetensors.index.json
   * names; validates their headers and that they agree with the index. The caller closes it.
   *
   * @throws SafetensorsError
   */
  static async open(directory: string): Promise<Checkpoint> {
    const entries = new Set(await fileOperation(directory, readdir(directory)))
    if (entries.has(singleName)) {
      const path = join(directory, singleName)
      return new Checkpoint(path, [await SafetensorsFile.open(path)])
    }
    if (!entries.has(indexName)) throw noWeights(directory, entries)

    const path = join(directory, indexName)
    const weightMap = await readCheckpointIndex(path)
    const names = [...new Set(weightMap.values())]
    const absent = names.filter((name) => !entries.has(name))
    if (absent.length > 0) {
      const problem = `names files that are not there: ${quoteList(absent)}`
      throw new SafetensorsError(path, 'missing-shard', problem, {
        hint: 'download the checkpoint again; it is not complete',
      })
    }
    const files: SafetensorsFile[] = []
    try {
      for (const name of names) files.push(await SafetensorsFile.open(join(directory, name)))
      checkAgreement(path, weightMap, new Map(names.map((name, index) => [name, files[index]!])))
    } catch (error) {
      await closeAll(files)
      throw error
    }
    return new Checkpoint(path, files)
  }

  /**
   * Reads one tensor's bytes, into memory of their own if `into` is missing.
   *
   * @throws SafetensorsError, InvalidArgumentError as `SafetensorsFile.read` does
   */
  async read(name: string, into?: Uint8Array): Promise<RawTensor> {
    const file = this.#homes.get(name)
    if (file === undefined) {
      throw new SafetensorsError(this.path, 'unknown-tensor', `there is no tensor ${quote(name)}`, {
        hint: 'take a name from `tensors`',
        tensors: [name],
      })
    }
    return file.read(name, into)
  }

  /** Closes all files; closing them twice does no harm. */
  close(): Promise<void> {
    return closeAll(this.files)
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }
}

async function closeAll(files: readonly SafetensorsFile[]): Promise<void> {
  await Promise.all(files.map((file) => file.close()))
}

/** Each tensor must be in the one shard where the index places it, and nowhere else. */
function checkAgreement(
  path: string,
  weightMap: ReadonlyMap<string, string>,
  shards: ReadonlyMap<string, SafetensorsFile>,
): void {
  const refuse = (
    reason: 'duplicate-tensor' | 'missing-tensor' | 'unlisted-tensor',
    tensors: readonly string[],
    problem: string,
  ): void => {
    if (tensors.length === 0) return
    throw new SafetensorsError(path, reason, `${problem}: ${quoteList(tensors)}`, {
      hint: 'the files are not from the same model; download all of them again',
      tensors,
    })
  }
  const held = [...shards.values()].flatMap(({ tensors }) => [...tensors.keys()])
  const once = new Set<string>()
  const twice = new Set<string>()
  for (const name of held) (once.has(name) ? twice : once).add(name)
  refuse('duplicate-tensor', [...twice], 'more than one shard holds these tensors')

  const missing = [...weightMap].filter(([name, file]) => !shards.get(file)?.tensors.has(name))
  const missingNames = missing.map(([name]) => name)
  refuse('missing-tensor', missingNames, 'these tensors are not in the shards it places them in')

  const unlisted = held.filter((name) => !weightMap.has(name))
  refuse('unlisted-tensor', unlisted, 'it does not list these tensors, which its shards hold')
}

function noWeights(directory: string, entries: ReadonlySet<string>): SafetensorsError {
  const pickle = [...entries].find((name) => /^pytorch_model.*\.bin$/.test(name))
  const problem = `has neither ${singleName} nor ${indexName}`
  if (pickle === undefined) {
    return new SafetensorsError(directory, 'no-weights', problem, {
      hint: 'give the directory that holds the weights, or download the model',
    })
  }
  return new SafetensorsError(directory, 'no-weights', `${problem}, only ${quote(pickle)}`, {
    hint:
      'such files can run code when they are loaded, so only safetensors is supported; convert it ' +
      'by running in that directory: python3 -c "from transformers import ' +
      "AutoModelForSequenceClassification as M; M.from_pretrained('.').save_pretrained('.')\"",
  })
}
