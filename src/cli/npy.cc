#include "cli/npy.h"

#include <fmt/format.h>

#include "base/file.h"

namespace ctt::cli {

Status WriteNpy(const std::string& path, std::span<const float> values, std::int64_t rows,
                std::int64_t columns) {
  std::string header =
      fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, columns);
  // Magic, version and length take 10 bytes; the whole is padded to a multiple of 64.
  header.resize((10 + header.size() + 1 + 63) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(header.size() & 0xFF);
  bytes += static_cast<char>(header.size() >> 8);
  bytes += header;
  bytes.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  return WriteFileDurably(path, bytes);
}

}  // namespace ctt::cli
