#pragma once
// PackedI8: the int8 engine's weights, from the cache beside the model or packed anew.
//
// The cache is one file, packed-i8.bin beside the weights file, mapped and shared between
// processes. It is used while the weights file has the size and time of change that it names; else,
// and if it is damaged or of another version, it is written anew. A folder that cannot be written
// costs only the packing at each start (about a second).
//
// Threads: a value; move-only.
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "encoder/i8_model.h"
#include "encoder/line_vector.h"
#include "encoder/model_config.h"
#include "encoder/weights_file.h"
#include "kernels/isa.h"
#include "text/tokenizer.h"

namespace ctt::encoder {

class PackedI8 {
 public:
  // Errors: those of ReadWeights. `frame` as MeasureColumns asks.
  static Result<PackedI8> Load(const WeightsFile& weights, const ModelConfig& config,
                               const std::vector<text::TokenId>& frame, kernels::Isa isa,
                               bool use_cache);

  const I8Model& model() const { return model_; }

 private:
  Status View(std::string_view bytes, const ModelConfig& config);

  MappedFile mapped_;
  LineVector<char> packed_;  // Instead of mapped_, where there is no cache.
  I8Model model_;            // Borrows from either.
};

}  // namespace ctt::encoder
