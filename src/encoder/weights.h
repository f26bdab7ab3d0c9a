#pragma once
// Weights of a BERT-family model in fp32, as the engines take them: matrices [out, in] row-major as
// published, Q, K and V stacked, the token type's row added to the positions. The word embeddings
// are not copied: they are used where the file has them.
//
// Threads: plain values.
#include <string_view>
#include <vector>

#include "base/status.h"
#include "encoder/model_config.h"

namespace ctt::encoder {

struct LayerNormWeights {
  std::vector<float> gamma;  // [H]
  std::vector<float> beta;   // [H]
};

struct LinearWeights {
  std::vector<float> matrix;  // [out, in]
  std::vector<float> bias;    // [out]
};

struct LayerWeights {
  LinearWeights qkv;        // [3 H, H]
  LinearWeights attention;  // [H, H]: after the heads.
  LayerNormWeights attention_norm;
  LinearWeights up;    // [F, H]
  LinearWeights down;  // [H, F]
  LayerNormWeights output_norm;
};

struct Weights {
  std::vector<float> positions;  // [positions, H]
  LayerNormWeights embedding_norm;
  std::vector<LayerWeights> layers;
};

// From the bytes of model.safetensors; names with and without the prefix "bert." are known. Errors
// as Safetensors::Floats, of the words too.
Result<Weights> ReadWeights(std::string_view bytes, const ModelConfig& config);

// The word embeddings within these bytes, fp32 [vocabulary, H]. Errors as Safetensors::FloatBytes.
Result<std::string_view> WordBytes(std::string_view bytes, const ModelConfig& config);

}  // namespace ctt::encoder
