#include "cli/npy.h"

#include <filesystem>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "base/file.h"

namespace ctt::cli {
namespace {

// The format asks that the values begin at a multiple of 64, whatever the header's length.
TEST(NpyTest, ValuesBeginAtAMultipleOf64) {
  const auto path =
      std::filesystem::temp_directory_path() / ("ctt_npy_" + std::to_string(::getpid()) + ".npy");
  for (const std::int64_t rows : {0, 1, 10, 1000, 1000000}) {
    const std::vector<float> values(static_cast<std::size_t>(rows), 1.5f);
    ASSERT_TRUE(WriteNpy(path.string(), values, rows, 1).ok());
    const std::string bytes = ReadFile(path).value();
    const std::size_t header = bytes.size() - values.size() * sizeof(float);
    EXPECT_EQ(header % 64, 0u) << rows;
    EXPECT_EQ(bytes[header - 1], '\n');
    EXPECT_EQ(static_cast<unsigned char>(bytes[8]) + 256u * static_cast<unsigned char>(bytes[9]),
              header - 10);
  }
  std::filesystem::remove(path);
}

}  // namespace
}  // namespace ctt::cli
