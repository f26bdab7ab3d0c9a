#pragma once
// What the store tests share: a place where an implementation of Store lives and can be reopened,
// and the making of rows.
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "store/store.h"

namespace ctt::store {

// A folder of its own, gone with the object.
class TemporaryFolder {
 public:
  TemporaryFolder() : TemporaryFolder(std::filesystem::temp_directory_path()) {}
  explicit TemporaryFolder(const std::filesystem::path& parent) {
    std::string name = (parent / "ctt_store_XXXXXX").string();
    path_ = ::mkdtemp(name.data());
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

// One store under test; Reopen closes it and opens what it left.
class StoreHome {
 public:
  virtual ~StoreHome() = default;
  virtual Store& store() = 0;
  virtual void Reopen() = 0;
};

struct Implementation {
  const char* name;
  std::function<std::unique_ptr<StoreHome>()> make;
};

inline testing::AssertionResult IsOk(const Status& status) {
  if (status.ok()) return testing::AssertionSuccess();
  return testing::AssertionFailure() << status.ToString();
}
#define ASSERT_OK(expr) ASSERT_TRUE(::ctt::store::IsOk(expr))
#define EXPECT_OK(expr) EXPECT_TRUE(::ctt::store::IsOk(expr))

// The value, or a failure that names the error and an abort of the test program.
template <typename T>
T Value(Result<T> result) {
  if (!result.ok()) ADD_FAILURE() << result.status().ToString();
  CTT_CHECK(result.ok());
  return std::move(result).value();
}

// Features that depend on `seed` in every component.
inline std::vector<std::int8_t> Phi(std::int64_t seed, std::size_t size = 768) {
  std::vector<std::int8_t> phi(size);
  auto state = static_cast<std::uint64_t>(seed) * 0x9e3779b97f4a7c15 + 1;
  for (std::int8_t& value : phi) {
    state = state * 6364136223846793005 + 1442695040888963407;
    value = static_cast<std::int8_t>(static_cast<std::int64_t>(state >> 33) % 255 - 127);
  }
  return phi;
}

inline Example Row(Seq seq, LabelId label, std::string id) {
  return {.seq = seq,
          .id = std::move(id),
          .text = "text of " + std::to_string(seq),
          .phi = Phi(seq),
          .label = label,
          .source = "test",
          .time_us = 1'000'000 + seq};
}

inline void ExpectSame(const Example& got, const Example& want) {
  EXPECT_EQ(got.seq, want.seq);
  EXPECT_EQ(got.deleted_seq, want.deleted_seq);
  EXPECT_EQ(got.id, want.id);
  EXPECT_EQ(got.text, want.text);
  EXPECT_EQ(got.phi, want.phi);
  EXPECT_EQ(got.label, want.label);
  EXPECT_EQ(got.source, want.source);
  EXPECT_EQ(got.time_us, want.time_us);
  EXPECT_EQ(got.target, want.target);
}

}  // namespace ctt::store
