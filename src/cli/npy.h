#pragma once
// NumPy's .npy format, version 1.0: a float32 matrix in C order.
#include <cstdint>
#include <span>
#include <string>

#include "base/status.h"

namespace ctt::cli {

// REQUIRES: values.size() == rows * columns.
Status WriteNpy(const std::string& path, std::span<const float> values, std::int64_t rows,
                std::int64_t columns);

}  // namespace ctt::cli
