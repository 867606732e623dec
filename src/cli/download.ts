/** `download`: a model from the Hugging Face hub into weights/. */
import { Command } from 'commander'
import { downloadModel } from '../checkpoint/hub/download.ts'
import { note, Progress } from './notes.ts'

export function downloadCommand(): Command {
  return new Command('download')
    .description('download a model from the Hugging Face hub, or a mirror of it (HF_ENDPOINT)')
    .argument('<HUB_ID>', 'for example SamLowe/roberta-base-go_emotions')
    .option('--revision <NAME>', 'a branch, tag or commit', 'main')
    .option('--output <DIR>', 'where to put it (default: weights/NAME)')
    .action(download)
}

interface Options {
  readonly revision: string
  readonly output?: string
}

async function download(id: string, { revision, output }: Options): Promise<void> {
  const progress = new Progress('{bar} {percentage}% of {megabytes} MB, {eta_formatted} left', 0)
  try {
    const { directory } = await downloadModel(id, {
      revision,
      ...(output === undefined ? {} : { directory: output }),
      onProgress: ({ doneBytes, totalBytes }) =>
        progress.update(doneBytes, totalBytes, { megabytes: Math.round(totalBytes / 1e6) }),
    })
    progress.stop()
    process.stdout.write(`${directory}\n`)
    note(`Try it: roberta-ascend --model ${output ?? id} --text "I am so happy today!"`)
  } finally {
    progress.stop()
  }
}
