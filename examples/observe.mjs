// Looking inside a forward pass: every operator of the first layer, with the module it ran in.
// In a checkout: npm ci && node examples/observe.mjs
import { observe, SequenceClassifier } from 'roberta-ascend'

const classifier = await SequenceClassifier.load({ device: 'reference' })
const observer = observe({
  looksInside: true,
  operator({ operator, scope, within, output }) {
    if (!scope.startsWith('roberta.encoder.layer.0.')) return
    const name = within === undefined ? operator : `${within} > ${operator}`
    console.log(`${scope.padEnd(56)} ${name.padEnd(22)} [${output.shape.join(', ')}]`)
  },
})
await classifier.logits(['I am so happy today!'])
observer[Symbol.dispose]()
await classifier.close()
