#pragma once
// F32Engine: the fp32 pass of the transformer, the reference for accuracy.
//
// Threads: immutable after construction; each thread brings its own scratch. Borrows the words.
#include <cstdint>
#include <functional>
#include <vector>

#include "encoder/encoder.h"
#include "encoder/line_vector.h"
#include "encoder/model_config.h"
#include "encoder/weights.h"
#include "kernels/f32_kernels.h"

namespace ctt::encoder {

class F32Engine {
 public:
  // Memory of one pass; grows to the largest batch seen.
  struct Scratch {
    LineVector<float> states, middle, qkv, context, inner, attention;
  };
  // Called after the embedding (layer 0) and after each layer with the token states [tokens, H].
  using LayerDone = std::function<void(std::int32_t layer, const float* states)>;

  // `words`: [vocabulary, H].
  F32Engine(const ModelConfig& config, const float* words, Weights weights, kernels::Isa isa);

  // REQUIRES: ids and lengths as Encoder::Encode asks. Stops after `last_layer`.
  void Run(const RaggedBatch& batch, std::int32_t last_layer, Scratch& scratch,
           const LayerDone& layer_done) const;

  const kernels::F32Kernels& kernels() const { return *kernels_; }

 private:
  struct Layer {
    LineVector<float> qkv, attention, up, down;  // Panels [out / 16, in, 16].
    std::vector<float> qkv_bias, attention_bias, up_bias, down_bias;
    LayerNormWeights attention_norm, output_norm;
  };
  void RunLayer(const Layer& layer, const RaggedBatch& batch, Scratch& scratch) const;
  void FeedForward(const Layer& layer, std::int32_t rows, Scratch& scratch) const;
  void Norm(float* states, std::int32_t rows, const LayerNormWeights& norm) const;

  ModelConfig config_;
  std::int32_t slice_;  // Inner columns that the feed-forward part makes and uses up at a time.
  const kernels::F32Kernels* kernels_;
  const float* words_;
  std::vector<float> positions_;
  LayerNormWeights embedding_norm_;
  std::vector<Layer> layers_;
};

}  // namespace ctt::encoder
