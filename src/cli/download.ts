/** `download`: a model from the Hugging Face hub into weights/. */
import { Command } from 'commander'
import { downloadModel } from '../checkpoint/hub/download.ts'
import { note, Progress } from './notes.ts'

export function downloadCommand(): Command {
  return new Command('download')
    .description('download a model from the Hugging Face hub, or a mirror of it (HF_ENDPOINT)')
    .argument('<HUB_ID>', 'for example SamLowe/roberta-base-go_emotions')
    .option('--revision <NAME>', 'a branch, tag or commit', 'main')
    .action(download)
}

async function download(id: string, { revision }: { revision: string }): Promise<void> {
  const progress = new Progress({
    format: '{bar} {percentage}% of {megabytes} MB, {eta_formatted} left, {file}',
  })
  try {
    const { directory } = await downloadModel(id, {
      revision,
      onProgress: ({ doneBytes, totalBytes, file }) =>
        progress.update(doneBytes, totalBytes, { file, megabytes: Math.round(totalBytes / 1e6) }),
    })
    progress.stop()
    process.stdout.write(`${directory}\n`)
    note(`Try it: roberta-ascend --model ${id} --text "I am so happy today!"`)
  } finally {
    progress.stop()
  }
}
