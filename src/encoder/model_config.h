#pragma once
// config.json of a BERT-family model: the sizes that the encoder is built from. Pure functions.
#include <cstdint>
#include <filesystem>

#include "base/status.h"

namespace ctt::encoder {

struct ModelConfig {
  std::int32_t hidden_size = 0;        // H
  std::int32_t intermediate_size = 0;  // F
  std::int32_t layers = 0;             // L
  std::int32_t heads = 0;
  std::int32_t vocabulary_size = 0;
  std::int32_t positions = 0;    // Longest text in tokens.
  std::int32_t token_types = 0;  // Rows of the token type table; row 0 is used.
  float layer_norm_epsilon = 0;
};

// kNotFound: no file. kInvalidArgument: not JSON, a field missing or out of range, or a model that
// is not supported: other than BERT, another activation than GELU (erf), relative positions, widths
// that are no multiple of 16, fewer than three layers. The message names the file and the field.
Result<ModelConfig> ReadModelConfig(const std::filesystem::path& model_folder);

}  // namespace ctt::encoder
