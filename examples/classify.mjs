// The library in ten lines. In a checkout: npm ci && node examples/classify.mjs
import { GoEmotionsClassifier, pipeline } from 'roberta-ascend'

const classifier = await GoEmotionsClassifier.load({ device: 'reference' })
const { results, probs } = await classifier.predict(['I am happy!', 'This is sad.'], {
  threshold: 0.3,
})
for (const { text, labels } of results) console.log(text, labels)
console.log(`${probs.length} texts, ${probs[0].length} probabilities each`)
await classifier.close()

const classify = await pipeline('text-classification', undefined, { device: 'reference' })
console.log(await classify('Thank you so much for your help!', { top_k: 2 }))
await classify.dispose()
