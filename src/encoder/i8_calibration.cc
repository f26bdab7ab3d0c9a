#include "encoder/i8_calibration.h"

#include <algorithm>
#include <array>
#include <cmath>

namespace ctt::encoder {
namespace {

// Short texts among them, for [CLS] and [SEP] differ there; 1,100 tokens in all.
constexpr std::array<std::int32_t, 13> kInnerTokens = {0,  1,  2,  3,   5,   8,  12,
                                                       20, 32, 64, 120, 250, 500};

RaggedBatch MadeTexts(const ModelConfig& config, const std::vector<text::TokenId>& frame) {
  RaggedBatch batch;
  std::uint32_t state = 1;
  const auto next_id = [&] {
    state = state * 1664525u + 1013904223u;
    return static_cast<text::TokenId>((std::uint64_t{state} * config.vocabulary_size) >> 32);
  };
  for (const std::int32_t inner : kInnerTokens) {
    if (inner + 2 > config.positions) break;
    std::vector<text::TokenId> ids = {frame.front()};
    for (std::int32_t i = 0; i < inner; ++i) ids.push_back(next_id());
    ids.push_back(frame.back());
    batch.Add(ids);
  }
  return batch;
}

void Raise(const float* states, std::int32_t rows, std::int32_t width, float* largest) {
  for (std::int32_t r = 0; r < rows; ++r)
    for (std::int32_t j = 0; j < width; ++j)
      largest[j] = std::max(largest[j], std::fabs(states[std::size_t(r) * width + j]));
}

}  // namespace

ColumnMagnitudes MeasureColumns(const F32Engine& engine, const ModelConfig& config,
                                const std::vector<text::TokenId>& frame) {
  const RaggedBatch batch = MadeTexts(config, frame);
  const std::int32_t rows = batch.token_count();
  const std::int32_t width = config.hidden_size;
  ColumnMagnitudes found;
  found.qkv.resize(std::size_t(config.layers) * width);
  found.up.resize(found.qkv.size());
  F32Engine::Scratch scratch;
  engine.Run(batch, config.layers, scratch, [&](std::int32_t layer, const float* states) {
    if (layer < config.layers)
      Raise(states, rows, width, found.qkv.data() + std::size_t(layer) * width);
    if (layer > 0)
      Raise(scratch.middle.data(), rows, width, found.up.data() + std::size_t(layer - 1) * width);
  });
  return found;
}

}  // namespace ctt::encoder
