// Any bytes as a safetensors file: Parse answers or names an error, and a tensor that it accepted
// lies inside the file. Seeds: corpus/safetensors, written by corpus/make_safetensors.py.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "encoder/safetensors.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto file = ctt::encoder::Safetensors::Parse(bytes);
  if (!file.ok()) {
    CTT_CHECK(!file.status().message().empty());
    return 0;
  }
  const std::int64_t shapes[][2] = {{1, 1}, {2, 1}, {2, 3}};
  for (const auto& shape : shapes) {
    for (const std::size_t rank : {std::size_t{1}, std::size_t{2}}) {
      const auto floats = file->Floats("w", {shape, rank});
      if (!floats.ok()) continue;
      const std::size_t count = shape[0] * (rank == 2 ? shape[1] : 1);
      CTT_CHECK(floats->size() == count && count * sizeof(float) + 8 <= size);
    }
  }
  return 0;
}
