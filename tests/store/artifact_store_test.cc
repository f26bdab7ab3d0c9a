#include "store/artifact_store.h"

#include <fstream>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/file.h"
#include "store/directory/directory_artifact_store.h"
#include "tests/store/store_home.h"

namespace ctt::store {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

class ArtifactStoreTest : public testing::Test {
 protected:
  ArtifactStoreTest() { Reopen(); }
  void Reopen() { store_ = Value(DirectoryArtifactStore::Open(folder_.path() / "artifacts")); }
  fs::path PathOf(const Digest& digest) const {
    const std::string hex = ToHex(digest);
    return folder_.path() / "artifacts" / hex.substr(0, 2) / hex.substr(2);
  }
  // Past the store's back.
  static void Overwrite(const fs::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  TemporaryFolder folder_;
  std::unique_ptr<DirectoryArtifactStore> store_;
};

TEST_F(ArtifactStoreTest, BytesComeBackUnderTheirDigest) {
  for (const std::string& bytes :
       {std::string(), std::string("a\0b", 3), std::string(1 << 20, 'x')}) {
    const Digest digest = Value(store_->Put(bytes));
    EXPECT_EQ(digest, Sha256(bytes));
    Reopen();
    EXPECT_EQ(Value(store_->Get(digest)), bytes);
  }
  EXPECT_EQ(Value(store_->List()).size(), 3u);
}

TEST_F(ArtifactStoreTest, TheSameBytesAreWrittenOnce) {
  const Digest digest = Value(store_->Put("head"));
  const auto written = fs::last_write_time(PathOf(digest));
  EXPECT_EQ(Value(store_->Put("head")), digest);
  EXPECT_EQ(fs::last_write_time(PathOf(digest)), written);
  EXPECT_EQ(Value(store_->List()).size(), 1u);
}

TEST_F(ArtifactStoreTest, WhatIsAbsentIsNotFoundAndRemovedTwice) {
  const Digest digest = Sha256("none");
  EXPECT_EQ(store_->Get(digest).status().reason(), "artifact_not_found");
  EXPECT_OK(store_->Remove(digest));
  ASSERT_OK(store_->Put("none").status());
  EXPECT_OK(store_->Remove(digest));
  EXPECT_EQ(store_->Get(digest).status().code(), Code::kNotFound);
  EXPECT_THAT(Value(store_->List()), IsEmpty());
}

TEST_F(ArtifactStoreTest, EveryFlippedBitIsNamedAndPutHeals) {
  const std::string bytes = "forty bytes of a head that nobody forgot";
  const Digest digest = Value(store_->Put(bytes));
  for (std::size_t bit = 0; bit < 8 * bytes.size(); ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] ^= static_cast<char>(1 << bit % 8);
    Overwrite(PathOf(digest), flipped);
    const Status status = store_->Get(digest).status();
    ASSERT_EQ(status.code(), Code::kDataLoss) << bit;
    EXPECT_THAT(status.message(), HasSubstr(ToHex(digest)));
  }
  for (const std::string& other : {bytes.substr(1), bytes + "x", std::string()}) {
    Overwrite(PathOf(digest), other);
    EXPECT_EQ(store_->Get(digest).status().code(), Code::kDataLoss);
  }
  EXPECT_EQ(Value(store_->Put(bytes)), digest);
  EXPECT_EQ(Value(store_->Get(digest)), bytes);
}

TEST_F(ArtifactStoreTest, LeftoversOfACrashGoAtOpen) {
  const Digest digest = Value(store_->Put("whole"));
  const fs::path leftover = PathOf(digest).string() + ".tmp.17.18";
  Overwrite(leftover, "half");
  Reopen();
  EXPECT_FALSE(fs::exists(leftover));
  EXPECT_EQ(Value(store_->Get(digest)), "whole");
}

TEST_F(ArtifactStoreTest, ForeignFilesAreLeftAlone) {
  const fs::path foreign = folder_.path() / "artifacts" / "README";
  Overwrite(foreign, "hello");
  Reopen();
  EXPECT_TRUE(fs::exists(foreign));
  EXPECT_THAT(Value(store_->List()), IsEmpty());
}

TEST_F(ArtifactStoreTest, ThreadsMayPutTheSameBytes) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 10; ++n) EXPECT_OK(store_->Put("artefact " + std::to_string(n)).status());
    });
  }
  threads.clear();
  EXPECT_EQ(Value(store_->List()).size(), 10u);
  for (const Digest& digest : Value(store_->List())) EXPECT_OK(store_->Get(digest).status());
}

}  // namespace
}  // namespace ctt::store
