#pragma once
// How large the columns of activations grow: what smoothing divides by.
//
// A few columns of a BERT's states are tens of times larger than the others (the tokens [CLS] and
// [SEP] carry them), and would leave the others few steps of an int8 row. They depend on the
// weights, hardly on the text: token ids drawn at random find them as well as real texts do
// (docs/decisions, int8 widths).
#include <cstdint>
#include <vector>

#include "encoder/f32_engine.h"
#include "encoder/model_config.h"
#include "text/tokenizer.h"

namespace ctt::encoder {

struct ColumnMagnitudes {
  std::vector<float> qkv;  // [L, H]: the largest |x| of the states that enter layer l,
  std::vector<float> up;   // [L, H]: and of those after its attention's LayerNorm.
};

// Runs made texts, each between the first and the last id of `frame` (an empty text: [CLS] [SEP]).
// A pure function of the weights: the fp32 pass has the same bits everywhere.
ColumnMagnitudes MeasureColumns(const F32Engine& engine, const ModelConfig& config,
                                const std::vector<text::TokenId>& frame);

}  // namespace ctt::encoder
