#pragma once
// Safetensors: a file of named tensors, read with full validation.
//
//   u64 little endian: length of the header   JSON header {"name": {"dtype", "shape",
//   "data_offsets"}} data: the tensors, end to end, without gaps
//
// Every error is kInvalidArgument and names the tensor and what is wrong with it: a truncated file,
// a header that is not such JSON, offsets that overlap, leave a gap or pass the end, a size that
// does not fit the shape.
//
// Threads: immutable after Parse. The bytes are borrowed and must outlive it.
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ctt::encoder {

class Safetensors {
 public:
  static Result<Safetensors> Parse(std::string_view bytes);

  bool Has(std::string_view name) const { return tensors_.contains(name); }
  // A tensor's values where they lie: little-endian fp32, on any boundary. Also kInvalidArgument:
  // absent, not F32, another shape.
  Result<std::string_view> FloatBytes(std::string_view name,
                                      std::span<const std::int64_t> shape) const;
  // Reads them; also kInvalidArgument: a value that is not finite.
  Status CheckFinite(std::string_view name, std::span<const std::int64_t> shape) const;
  // A copy of a tensor's values; errors as CheckFinite.
  Result<std::vector<float>> Floats(std::string_view name,
                                    std::span<const std::int64_t> shape) const;

  // An entry of the header.
  struct Tensor {
    std::string dtype;
    std::vector<std::int64_t> shape;
    std::uint64_t first = 0;  // Bytes of the data, from `first` to before `last`.
    std::uint64_t last = 0;
  };

 private:
  Status CheckLayout() const;

  std::map<std::string, Tensor, std::less<>> tensors_;
  std::string_view data_;
};

}  // namespace ctt::encoder
