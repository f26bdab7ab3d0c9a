#include "encoder/i8_engine.h"

#include <algorithm>
#include <utility>

namespace ctt::encoder {
namespace {

using kernels::Epilogue;

// Rows that go from the context to the next layer's bytes together: four tiles of the tallest
// kernel. Their inner activations, 48 x 1536 fp32, take 288 KiB and stay in a second-level cache of
// 512.
constexpr std::int32_t kBlockRows = 48;

std::int32_t LongestText(const RaggedBatch& batch) {
  std::int32_t longest = 0;
  for (std::int32_t t = 0; t < batch.text_count(); ++t)
    longest = std::max(longest, batch.offsets[t + 1] - batch.offsets[t]);
  return longest;
}

template <typename T>
void GrowTo(LineVector<T>& buffer, std::size_t size) {
  if (buffer.size() < size) buffer.resize(size);
}

}  // namespace

I8Engine::I8Engine(const ModelConfig& config, const float* words, I8Model model, kernels::Isa isa)
    : config_(config),
      words_(words),
      model_(std::move(model)),
      f32_(&kernels::GetF32Kernels(isa)),
      i8_(&kernels::GetI8Kernels(isa)) {}

void I8Engine::Run(const RaggedBatch& batch, std::int32_t last_layer, Scratch& scratch,
                   const LayerDone& layer_done) const {
  Reserve(batch, scratch);
  Embed(batch, scratch);
  layer_done(0, scratch.states.data());
  const std::int32_t rows = batch.token_count();
  const std::int32_t blocks = std::max(1, (rows + kBlockRows / 2) / kBlockRows);
  for (std::int32_t i = 0; i < last_layer; ++i) {
    Attend(model_.layers[i], batch, scratch);
    for (std::int32_t b = 0, begin = 0; b < blocks; ++b) {
      const std::int32_t height = (rows - begin + blocks - b - 1) / (blocks - b);
      FinishBlock(i, {begin, height}, scratch);
      begin += height;
    }
    layer_done(i + 1, scratch.states.data());
  }
}

void I8Engine::Reserve(const RaggedBatch& batch, Scratch& scratch) const {
  const std::size_t tokens = batch.ids.size();
  const std::size_t hidden = config_.hidden_size;
  const std::size_t inner = config_.intermediate_size;
  const std::size_t block = std::min<std::size_t>(tokens, 3 * kBlockRows / 2);
  scratch.states.resize(tokens * hidden);
  GrowTo(scratch.qkv, tokens * 3 * hidden);
  GrowTo(scratch.context, tokens * hidden);
  GrowTo(scratch.inner, block * inner);
  GrowTo(scratch.bytes, tokens * hidden);
  GrowTo(scratch.scales, tokens);
  GrowTo(scratch.block_bytes, block * std::max(inner, hidden));
  GrowTo(scratch.block_scales, block);
  GrowTo(scratch.attention,
         kernels::AttentionI8ScratchBytes(LongestText(batch), config_.hidden_size));
}

void I8Engine::Embed(const RaggedBatch& batch, Scratch& scratch) const {
  const std::int32_t rows = batch.token_count();
  f32_->embed({batch.ids.data(),
               batch.offsets.data(),
               batch.text_count(),
               words_,
               model_.positions,
               {scratch.states.data(), rows, config_.hidden_size, model_.embedding_norm.gamma,
                model_.embedding_norm.beta, config_.layer_norm_epsilon}});
  Normalise({}, model_.layers.front().qkv_factor, {0, rows}, scratch);
}

void I8Engine::Attend(const I8Layer& layer, const RaggedBatch& batch, Scratch& scratch) const {
  i8_->product({&layer.qkv, scratch.bytes.data(), scratch.scales.data(), batch.token_count(),
                Epilogue::kBias, scratch.qkv.data()});
  i8_->attention({scratch.qkv.data(), config_.hidden_size, config_.heads, batch.offsets.data(),
                  batch.text_count(), scratch.context.data(), scratch.attention.data()});
}

// A block's rows from the context of attention to the states and bytes that enter the next layer.
void I8Engine::FinishBlock(std::int32_t layer_index, Block block, Scratch& scratch) const {
  const I8Layer& layer = model_.layers[layer_index];
  const std::size_t at = std::size_t(block.begin) * config_.hidden_size;
  float* const states = scratch.states.data() + at;
  std::uint8_t* const bytes = scratch.block_bytes.data();
  float* const scales = scratch.block_scales.data();

  i8_->quantise({scratch.context.data() + at, block.rows, config_.hidden_size, bytes, scales});
  i8_->product({&layer.attention, bytes, scales, block.rows, Epilogue::kBiasResidual, states});
  Normalise(layer.attention_norm, layer.up_factor, block, scratch);

  i8_->product({&layer.up, scratch.bytes.data() + at, scratch.scales.data() + block.begin,
                block.rows, Epilogue::kBiasGelu, scratch.inner.data()});
  i8_->quantise({scratch.inner.data(), block.rows, config_.intermediate_size, bytes, scales});
  i8_->product({&layer.down, bytes, scales, block.rows, Epilogue::kBiasResidual, states});
  const bool last = layer_index + 1 == config_.layers;
  Normalise(layer.output_norm, last ? nullptr : model_.layers[layer_index + 1].qkv_factor, block,
            scratch);
}

void I8Engine::Normalise(const NormView& norm, const float* factor, Block block,
                         Scratch& scratch) const {
  const std::size_t at = std::size_t(block.begin) * config_.hidden_size;
  i8_->normalise({{scratch.states.data() + at, block.rows, config_.hidden_size, norm.gamma,
                   norm.beta, config_.layer_norm_epsilon},
                  factor,
                  scratch.bytes.data() + at,
                  scratch.scales.data() + block.begin});
}

}  // namespace ctt::encoder
