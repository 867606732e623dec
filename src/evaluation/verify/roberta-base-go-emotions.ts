/**
 * What is published of SamLowe/roberta-base-go_emotions: facts to check a downloaded copy against.
 *
 * Another model is another object of this type.
 */
import type { PublishedFigures } from './published-figures.ts'

export const robertaBaseGoEmotions: PublishedFigures = {
  model: 'SamLowe/roberta-base-go_emotions',
  // config.json of the model on the hub; sizes are those of roberta-base.
  config: {
    model_type: 'roberta',
    num_hidden_layers: 12,
    hidden_size: 768,
    num_attention_heads: 12,
    intermediate_size: 3072,
    vocab_size: 50265,
    max_position_embeddings: 514,
    type_vocab_size: 1,
    hidden_act: 'gelu',
    layer_norm_eps: 1e-5,
    pad_token_id: 1,
    head: 'sigmoid',
  },
  // Token ids: byte-level BPE with roberta-base's vocab.json and merges.txt, by two implementations.
  outputs: [
    {
      text: 'I like you.',
      tokenIds: [0, 100, 101, 47, 4, 2],
      logits: [
        -6.548218, -6.3022184, -4.866901, -3.9598548, -4.6330333, -6.281371, -6.070333, -5.7753787,
        -6.9252844, -6.1905437, -5.674121, -6.169409, -7.5133595, -6.8658547, -7.185884, -7.1283603,
        -8.210392, -7.016874, -7.1315, -8.53309, -6.229343, -8.741868, -5.7791805, -8.657056,
        -8.258206, -6.6477957, -7.406438, 3.0466576,
      ],
      tolerance: 0.005,
      source:
        'huggingface/text-embeddings-inference@0d124dc, backends/candle/tests/snapshots/test_bert__emotions_{batch,single}.snap, and its tolerance',
    },
    {
      text: 'I am not having a great day.',
      tokenIds: [0, 100, 524, 45, 519, 10, 372, 183, 4, 2],
      logits: [
        -5.816747, -6.611947, -5.2771983, -2.6306484, -4.6419153, -5.5797825, -5.7971735, -6.030578,
        -5.872076, 0.45378062, -3.0235896, -5.3944383, -5.18668, -6.264913, -6.196284, -6.9793677,
        -5.567489, -5.5210495, -5.889915, -4.8699794, -5.625993, -7.6109934, -4.388194, -6.0390115,
        -4.934693, -0.6715966, -6.3993735, -2.4499245,
      ],
      tolerance: 0.005,
      source:
        'huggingface/text-embeddings-inference@0d124dc, backends/candle/tests/snapshots/test_bert__emotions_{batch,single}.snap, and its tolerance',
    },
    {
      text: 'ONNX is seriously fast for small batches. Impressive',
      tokenIds: [0, 2191, 487, 1000, 16, 3640, 1769, 13, 650, 34183, 4, 17550, 22075, 2],
      probabilities: [
        0.9217681, 0.001201711, 0.001109502, 0.0034009134, 0.05643816, 0.0011591336, 0.0018672282,
        0.0026787464, 0.00085846696, 0.0027759627, 0.004615115, 0.00075303164, 0.0003314704,
        0.005340109, 0.00042834174, 0.013405683, 0.00029952865, 0.0026875956, 0.00092915917,
        0.00012843, 0.006792505, 0.0033409835, 0.007224476, 0.00071489986, 0.00026071363,
        0.0009562365, 0.0037120024, 0.04079749,
      ],
      tolerance: 0.0007,
      source: 'knights-analytics/hugot@c30aa0f, tests/utils.go, ONNX in float32, and its tolerance',
    },
  ],
  testSplit: {
    texts: 5427,
    source: 'the model card on the hub',
    // Published with three digits; and as much again for a decision at the edge of its threshold.
    tolerance: 0.001,
    atHalf: [
      { figure: 'accuracy', value: 0.474 },
      { figure: 'micro f1', value: 0.585 },
      { figure: 'macro precision', value: 0.575 },
      { figure: 'macro recall', value: 0.396 },
      { figure: 'macro f1', value: 0.45 },
    ],
    atThresholds: [
      { figure: 'macro precision', value: 0.542 },
      { figure: 'macro recall', value: 0.577 },
      { figure: 'macro f1', value: 0.541 },
    ],
    // Supports: counts over the official test split. Thresholds: the model card.
    labels: [
      { label: 'admiration', support: 504, threshold: 0.25 },
      { label: 'amusement', support: 264, threshold: 0.45 },
      { label: 'anger', support: 198, threshold: 0.15 },
      { label: 'annoyance', support: 320, threshold: 0.1 },
      { label: 'approval', support: 351, threshold: 0.3 },
      { label: 'caring', support: 135, threshold: 0.4 },
      { label: 'confusion', support: 153, threshold: 0.55 },
      { label: 'curiosity', support: 284, threshold: 0.25 },
      { label: 'desire', support: 83, threshold: 0.25 },
      { label: 'disappointment', support: 151, threshold: 0.4 },
      { label: 'disapproval', support: 267, threshold: 0.3 },
      { label: 'disgust', support: 123, threshold: 0.2 },
      { label: 'embarrassment', support: 37, threshold: 0.1 },
      { label: 'excitement', support: 103, threshold: 0.35 },
      { label: 'fear', support: 78, threshold: 0.4 },
      { label: 'gratitude', support: 352, threshold: 0.45 },
      { label: 'grief', support: 6, threshold: 0.05 },
      { label: 'joy', support: 161, threshold: 0.4 },
      { label: 'love', support: 238, threshold: 0.25 },
      { label: 'nervousness', support: 23, threshold: 0.25 },
      { label: 'optimism', support: 186, threshold: 0.2 },
      { label: 'pride', support: 16, threshold: 0.1 },
      { label: 'realization', support: 145, threshold: 0.15 },
      { label: 'relief', support: 11, threshold: 0.05 },
      { label: 'remorse', support: 56, threshold: 0.1 },
      { label: 'sadness', support: 156, threshold: 0.4 },
      { label: 'surprise', support: 141, threshold: 0.15 },
      { label: 'neutral', support: 1787, threshold: 0.25 },
    ],
  },
}
