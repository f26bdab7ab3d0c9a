#pragma once
// I8Model: the packed weights of the int8 engine as one block of bytes, ready to be mapped.
//
// Layout, little-endian, every array on a boundary of 64 bytes:
//
//   header [128]  "cttI8pk\n", version u32, six sizes of ModelConfig i32; size u64, change time i64
//                 and SHA-256 of the source; SHA-256 of what follows
//   positions, embedding LayerNorm
//   each layer:   factors, matrices (kernels/i8_kernels.h), LayerNorms, in I8Layer's order
//
// The word embeddings are not in it: engines use them where the source has them.
//
// Threads: a view is a plain value that borrows the bytes.
#include <cstdint>
#include <string_view>
#include <vector>

#include "base/hash.h"
#include "base/status.h"
#include "encoder/i8_calibration.h"
#include "encoder/line_vector.h"
#include "encoder/model_config.h"
#include "encoder/weights.h"
#include "kernels/i8_kernels.h"

namespace ctt::encoder {

// The weights file that a block was made from. While size and time of change stay, so does its
// digest.
struct SourceFile {
  std::uint64_t size = 0;
  std::int64_t changed = 0;
  Digest digest = {};
};

struct NormView {
  const float* gamma = nullptr;  // [H]
  const float* beta = nullptr;   // [H]
};

struct I8Layer {
  const float* qkv_factor =
      nullptr;  // [H]: what states are multiplied by before they are quantised.
  kernels::WeightsI8 qkv, attention;
  NormView attention_norm;
  const float* up_factor = nullptr;  // [H]
  kernels::WeightsI8 up, down;
  NormView output_norm;
};

struct I8Model {
  SourceFile source;
  const float* positions = nullptr;  // [positions, H]
  NormView embedding_norm;
  std::vector<I8Layer> layers;
};

// Quantises. Each column of a matrix behind a LayerNorm is multiplied by sqrt of its activation's
// magnitude, and the activation divided by it: the outliers are shared between both (SmoothQuant,
// Xiao et al. 2023, with strength 1/2 on the side of the activations alone).
LineVector<char> PackI8Model(const ModelConfig& config, const Weights& weights,
                             const ColumnMagnitudes& magnitudes, const SourceFile& source);

// Borrows `bytes`, which must begin on a boundary of 64. kDataLoss: not such a block, of another
// version or model size, or damaged.
Result<I8Model> ViewI8Model(std::string_view bytes, const ModelConfig& config);

}  // namespace ctt::encoder
