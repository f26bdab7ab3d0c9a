#include "encoder/f32_engine.h"

#include <algorithm>
#include <utility>

namespace ctt::encoder {
namespace {

using kernels::Epilogue;
using kernels::GemmF32;
using kernels::kPanelWidth;

LineVector<float> Pack(const LinearWeights& linear) {
  const auto out = static_cast<std::int32_t>(linear.bias.size());
  const auto in = static_cast<std::int32_t>(linear.matrix.size() / linear.bias.size());
  LineVector<float> panels(linear.matrix.size());
  kernels::PackPanels(linear.matrix, out, in, panels);
  return panels;
}

// Row-major C [rows, bias.size()] = A [rows, k] B, with a bias. The caller adds what else it needs.
GemmF32 Product(const LineVector<float>& a, const LineVector<float>& panels,
                const std::vector<float>& bias, LineVector<float>& c, std::int32_t rows) {
  const auto n = static_cast<std::int32_t>(bias.size());
  const auto k = static_cast<std::int32_t>(panels.size() / bias.size());
  GemmF32 gemm;
  gemm.a = a.data();
  gemm.a_stride = k;
  gemm.b = panels.data();
  gemm.b_stride = std::ptrdiff_t{k} * kPanelWidth;
  gemm.b_is_far = true;
  gemm.c = c.data();
  gemm.c_row_stride = n;
  gemm.rows = rows;
  gemm.k = k;
  gemm.panels = n / kPanelWidth;
  gemm.epilogue = Epilogue::kBias;
  gemm.bias = bias.data();
  return gemm;
}

// At most 512 columns, so that [rows, slice] of the inner states stays in the second-level cache.
std::int32_t SliceWidth(std::int32_t inner) {
  constexpr std::int32_t kMost = 512;
  const std::int32_t slices = (inner + kMost - 1) / kMost;
  const std::int32_t panels = inner / kPanelWidth;
  return (panels + slices - 1) / slices * kPanelWidth;
}

std::int32_t LongestText(const RaggedBatch& batch) {
  std::int32_t longest = 0;
  for (std::int32_t t = 0; t < batch.text_count(); ++t)
    longest = std::max(longest, batch.offsets[t + 1] - batch.offsets[t]);
  return longest;
}

}  // namespace

F32Engine::F32Engine(const ModelConfig& config, const float* words, Weights weights,
                     kernels::Isa isa)
    : config_(config),
      slice_(SliceWidth(config.intermediate_size)),
      kernels_(&kernels::GetF32Kernels(isa)),
      words_(words),
      positions_(std::move(weights.positions)),
      embedding_norm_(std::move(weights.embedding_norm)) {
  for (LayerWeights& from : weights.layers) {
    Layer layer;
    layer.qkv = Pack(from.qkv);
    layer.attention = Pack(from.attention);
    layer.up = Pack(from.up);
    layer.down = Pack(from.down);
    layer.qkv_bias = std::move(from.qkv.bias);
    layer.attention_bias = std::move(from.attention.bias);
    layer.up_bias = std::move(from.up.bias);
    layer.down_bias = std::move(from.down.bias);
    layer.attention_norm = std::move(from.attention_norm);
    layer.output_norm = std::move(from.output_norm);
    from = {};  // A second copy of the model need not wait until the end.
    layers_.push_back(std::move(layer));
  }
}

void F32Engine::Run(const RaggedBatch& batch, std::int32_t last_layer, Scratch& scratch,
                    const LayerDone& layer_done) const {
  const std::size_t tokens = batch.ids.size();
  const std::size_t hidden = config_.hidden_size;
  scratch.states.resize(tokens * hidden);
  scratch.middle.resize(tokens * hidden);
  scratch.qkv.resize(tokens * 3 * hidden);
  scratch.context.resize(tokens * hidden);
  scratch.inner.resize(tokens * slice_);
  scratch.attention.resize(
      kernels::AttentionScratchFloats(LongestText(batch), config_.hidden_size, config_.heads));

  kernels_->embed(
      {batch.ids.data(),
       batch.offsets.data(),
       batch.text_count(),
       words_,
       positions_.data(),
       {scratch.states.data(), batch.token_count(), config_.hidden_size,
        embedding_norm_.gamma.data(), embedding_norm_.beta.data(), config_.layer_norm_epsilon}});
  layer_done(0, scratch.states.data());
  for (std::int32_t i = 0; i < last_layer; ++i) {
    RunLayer(layers_[i], batch, scratch);
    layer_done(i + 1, scratch.states.data());
  }
}

void F32Engine::Norm(float* states, std::int32_t rows, const LayerNormWeights& norm) const {
  kernels_->layer_norm({states, rows, config_.hidden_size, norm.gamma.data(), norm.beta.data(),
                        config_.layer_norm_epsilon});
}

void F32Engine::RunLayer(const Layer& layer, const RaggedBatch& batch, Scratch& scratch) const {
  const std::int32_t rows = batch.token_count();
  const std::int32_t hidden = config_.hidden_size;
  GemmF32 qkv = Product(scratch.states, layer.qkv, layer.qkv_bias, scratch.qkv, rows);
  qkv.c_row_stride = kPanelWidth;  // Panel-major, as attention reads it.
  qkv.c_panel_stride = std::ptrdiff_t{rows} * kPanelWidth;
  kernels_->gemm(qkv);
  kernels_->attention({scratch.qkv.data(), rows, hidden, config_.heads, batch.offsets.data(),
                       batch.text_count(), scratch.context.data(), scratch.attention.data()});

  GemmF32 attention =
      Product(scratch.context, layer.attention, layer.attention_bias, scratch.middle, rows);
  attention.epilogue = Epilogue::kBiasResidual;
  attention.residual = scratch.states.data();
  attention.residual_stride = hidden;
  kernels_->gemm(attention);
  Norm(scratch.middle.data(), rows, layer.attention_norm);

  FeedForward(layer, rows, scratch);
  Norm(scratch.states.data(), rows, layer.output_norm);
}

// states = gelu(middle Up) Down + middle, a slice of inner columns after the other: `down`
// continues each element's chain over the slices, so the bits are those of one product.
void F32Engine::FeedForward(const Layer& layer, std::int32_t rows, Scratch& scratch) const {
  const std::int32_t hidden = config_.hidden_size;
  const std::int32_t inner = config_.intermediate_size;
  GemmF32 up = Product(scratch.middle, layer.up, layer.up_bias, scratch.inner, rows);
  up.epilogue = Epilogue::kBiasGelu;
  GemmF32 down = Product(scratch.inner, layer.down, layer.down_bias, scratch.states, rows);
  down.residual = scratch.middle.data();
  down.residual_stride = hidden;
  for (std::int32_t first = 0; first < inner; first += slice_) {
    const std::int32_t width = std::min(slice_, inner - first);
    up.b = layer.up.data() + std::ptrdiff_t{first} * hidden;
    up.bias = layer.up_bias.data() + first;
    up.c_row_stride = width;
    up.panels = width / kPanelWidth;
    kernels_->gemm(up);
    down.a_stride = width;
    down.b = layer.down.data() + std::ptrdiff_t{first} * kPanelWidth;
    down.k = width;
    down.accumulate = first > 0;
    down.epilogue = first + width == inner ? Epilogue::kBiasResidual : Epilogue::kNone;
    kernels_->gemm(down);
  }
}

}  // namespace ctt::encoder
