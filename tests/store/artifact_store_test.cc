#include "store/artifact_store.h"

#include <cstdlib>
#include <fstream>
#include <functional>
#include <random>
#include <thread>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "store/directory/directory_artifact_store.h"
#include "store/s3/s3_artifact_store.h"
#include "tests/store/store_home.h"

namespace ctt::store {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;
using testing::IsEmpty;

// Where an artefact store lives, every one a folder in the end: so a test can damage it past the
// store's back.
class ArtifactHome {
 public:
  virtual ~ArtifactHome() = default;
  virtual std::unique_ptr<ArtifactStore> Open() = 0;
  virtual fs::path folder() const = 0;
};

struct ArtifactImplementation {
  const char* name;
  std::function<std::unique_ptr<ArtifactHome>()> make;
};

class ArtifactStoreTest : public testing::TestWithParam<ArtifactImplementation> {
 protected:
  ArtifactStoreTest() : home_(GetParam().make()) { Reopen(); }
  void Reopen() { store_ = home_->Open(); }
  fs::path PathOf(const Digest& digest) const {
    const std::string hex = ToHex(digest);
    return home_->folder() / hex.substr(0, 2) / hex.substr(2);
  }
  static void Overwrite(const fs::path& path, std::string_view bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  std::unique_ptr<ArtifactHome> home_;
  std::unique_ptr<ArtifactStore> store_;
};

class DirectoryHome final : public ArtifactHome {
 public:
  std::unique_ptr<ArtifactStore> Open() override {
    return Value(DirectoryArtifactStore::Open(folder()));
  }
  fs::path folder() const override { return folder_.path() / "artifacts"; }

 private:
  TemporaryFolder folder_;
};

TEST_P(ArtifactStoreTest, BytesComeBackUnderTheirDigest) {
  for (const std::string& bytes : {std::string(), std::string("a\0b", 3), std::string(1 << 20, 'x'),
                                   std::string(11 << 20, 'y')}) {
    const Digest digest = Value(store_->Put(bytes));
    EXPECT_EQ(digest, Sha256(bytes));
    Reopen();
    EXPECT_EQ(Value(store_->Get(digest)), bytes);
  }
  EXPECT_EQ(Value(store_->List()).size(), 4u);
}

TEST_P(ArtifactStoreTest, TheSameBytesAreKeptOnce) {
  const Digest digest = Value(store_->Put("head"));
  EXPECT_EQ(Value(store_->Put("head")), digest);
  EXPECT_EQ(Value(store_->List()).size(), 1u);
}

TEST(DirectoryArtifactStoreTest, TheSameBytesAreWrittenOnce) {
  DirectoryHome home;
  const auto store = home.Open();
  const std::string hex = ToHex(Value(store->Put("head")));
  const fs::path path = home.folder() / hex.substr(0, 2) / hex.substr(2);
  const auto written = fs::last_write_time(path);
  ASSERT_OK(store->Put("head").status());
  EXPECT_EQ(fs::last_write_time(path), written);
}

TEST_P(ArtifactStoreTest, WhatIsAbsentIsNotFoundAndRemovedTwice) {
  const Digest digest = Sha256("none");
  EXPECT_EQ(store_->Get(digest).status().reason(), "artifact_not_found");
  EXPECT_OK(store_->Remove(digest));
  ASSERT_OK(store_->Put("none").status());
  EXPECT_OK(store_->Remove(digest));
  EXPECT_EQ(store_->Get(digest).status().code(), Code::kNotFound);
  EXPECT_THAT(Value(store_->List()), IsEmpty());
}

TEST_P(ArtifactStoreTest, EveryFlippedBitIsNamedAndPutHeals) {
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

TEST(DirectoryArtifactStoreTest, LeftoversOfACrashGoAtOpen) {
  DirectoryHome home;
  const Digest digest = Value(home.Open()->Put("whole"));
  const fs::path leftover = home.folder() / "ab" / "cd.tmp.17.18";
  fs::create_directories(leftover.parent_path());
  std::ofstream(leftover) << "half";
  EXPECT_EQ(Value(home.Open()->Get(digest)), "whole");
  EXPECT_FALSE(fs::exists(leftover));
}

TEST_P(ArtifactStoreTest, ForeignFilesAreLeftAlone) {
  const fs::path foreign = home_->folder() / "README";
  fs::create_directories(home_->folder());
  Overwrite(foreign, "hello");
  Reopen();
  EXPECT_TRUE(fs::exists(foreign));
  EXPECT_THAT(Value(store_->List()), IsEmpty());
}

TEST_P(ArtifactStoreTest, ThreadsMayPutTheSameBytes) {
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

// A prefix of its own in the bucket of tests/store/with_servers.py; parts of the least size.
class S3Home final : public ArtifactHome {
 public:
  explicit S3Home(std::string folder) : root_(std::move(folder)) {
    static int made = 0;
    prefix_ = "some/prefix " + std::to_string(++made);
  }
  std::unique_ptr<ArtifactStore> Open() override {
    S3Options options = Value(S3OptionsOf("s3://ctt/" + prefix_));
    options.part_bytes = std::size_t{5} << 20;
    return Value(S3ArtifactStore::Open(options));
  }
  fs::path folder() const override { return fs::path(root_) / "ctt" / prefix_; }

 private:
  const std::string root_;
  std::string prefix_;
};

std::vector<ArtifactImplementation> Implementations() {
  std::vector<ArtifactImplementation> all = {
      {"Directory", [] { return std::make_unique<DirectoryHome>(); }}};
  if (const char* folder = std::getenv("CTT_TEST_S3_FOLDER"); folder != nullptr)
    all.push_back({"S3", [folder] { return std::make_unique<S3Home>(folder); }});
  return all;
}

INSTANTIATE_TEST_SUITE_P(All, ArtifactStoreTest, testing::ValuesIn(Implementations()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(S3OptionsTest, AnUrlAndTheEnvironmentMakeThem) {
  ::setenv("AWS_ACCESS_KEY_ID", "id", 0);
  ::setenv("AWS_SECRET_ACCESS_KEY", "secret", 0);
  EXPECT_EQ(Value(S3OptionsOf("s3://bucket")).prefix, "");
  const S3Options options = Value(S3OptionsOf("s3://bucket/a/b"));
  EXPECT_EQ(options.bucket, "bucket");
  EXPECT_EQ(options.prefix, "a/b/");
  EXPECT_EQ(Value(S3OptionsOf("s3://bucket/a/")).prefix, "a/");
  for (const char* bad : {"s3://", "s3:///a", "bucket", "s3://b?x=1"})
    EXPECT_EQ(S3OptionsOf(bad).status().reason(), "bad_artifacts_url") << bad;
}

}  // namespace
}  // namespace ctt::store
