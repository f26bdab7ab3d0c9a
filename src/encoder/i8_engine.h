#pragma once
// I8Engine: the int8 pass of the transformer.
//
// What is int8: the four matrix products of a layer, with one scale for each row of activations
// (token) and each column of weights, and attention's two products. What stays fp32: residuals,
// LayerNorm, GELU, softmax's exponentials. States between layers are fp32.
//
// Threads: immutable; each thread brings its own scratch. Borrows the model's bytes and the words.
#include <cstdint>
#include <functional>

#include "encoder/encoder.h"
#include "encoder/i8_model.h"
#include "encoder/line_vector.h"
#include "encoder/model_config.h"
#include "kernels/f32_kernels.h"
#include "kernels/i8_kernels.h"

namespace ctt::encoder {

class I8Engine {
 public:
  // Memory of one pass; grows to the largest batch seen.
  struct Scratch {
    LineVector<float> states, qkv, context, inner;
    LineVector<std::uint8_t> bytes, block_bytes;  // The states, and a block of what follows them.
    LineVector<float> scales, block_scales;
    LineVector<std::byte> attention;
  };
  // Called after the embedding (layer 0) and after each layer with the token states [tokens, H].
  using LayerDone = std::function<void(std::int32_t layer, const float* states)>;

  // `words`: [vocabulary, H].
  I8Engine(const ModelConfig& config, const float* words, I8Model model, kernels::Isa isa);

  // REQUIRES: ids and lengths as Encoder::Encode asks. Stops after `last_layer`.
  void Run(const RaggedBatch& batch, std::int32_t last_layer, Scratch& scratch,
           const LayerDone& layer_done) const;

 private:
  struct Block {
    std::int32_t begin;
    std::int32_t rows;
  };
  void Reserve(const RaggedBatch& batch, Scratch& scratch) const;
  void Embed(const RaggedBatch& batch, Scratch& scratch) const;
  void Attend(const I8Layer& layer, const RaggedBatch& batch, Scratch& scratch) const;
  void FinishBlock(std::int32_t layer, Block block, Scratch& scratch) const;
  void Normalise(const NormView& norm, const float* factor, Block block, Scratch& scratch) const;

  ModelConfig config_;
  const float* words_;
  I8Model model_;
  const kernels::F32Kernels* f32_;
  const kernels::I8Kernels* i8_;
};

}  // namespace ctt::encoder
