#pragma once
// The real model on made-up texts: what the tests of both engines share.
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>
#include <unistd.h>

#include "encoder/encoder.h"
#include "kernels/isa.h"

namespace ctt::encoder {

namespace fs = std::filesystem;

inline fs::path ModelFolder() { return fs::path(CTT_SOURCE_DIR) / "models/all-MiniLM-L6-v2"; }

// Sentences made of parts, so that 2,000 differ in words and in length, and some odd ones.
inline std::vector<std::string> MadeTexts(std::size_t count) {
  const char* const parts[] = {"please book a table",
                               "the battery died",
                               "für zwei Personen",
                               "and nothing worked",
                               "why is my card late",
                               "在东京",
                               "with great pleasure",
                               "turn off the lights",
                               "3.14 + 2 = 5.14",
                               "it was not that bad",
                               "since last tuesday",
                               "😀 !!!",
                               "refund",
                               "how do I reset it",
                               "Καλημέρα"};
  std::vector<std::string> texts = {"", "a", "?", std::string(300, 'x'), "the the the the the"};
  unsigned state = 7;
  const auto next = [&](unsigned below) {
    state = state * 1664525u + 1013904223u;
    return (state >> 16) % below;
  };
  while (texts.size() < count) {
    std::string text;
    const unsigned length = next(20) == 0 ? 40 : 1 + next(4);
    for (unsigned i = 0; i < length; ++i) text += std::string(i > 0 ? " " : "") + parts[next(15)];
    texts.push_back(text);
  }
  texts.resize(count);
  return texts;
}

class ForcedIsa {
 public:
  explicit ForcedIsa(kernels::Isa isa) {
    setenv("CTT_FORCE_ISA", std::string(kernels::IsaName(isa)).c_str(), 1);
  }
  ~ForcedIsa() { unsetenv("CTT_FORCE_ISA"); }
};

inline std::unique_ptr<const Encoder> LoadOn(kernels::Isa isa, Engine engine,
                                             const fs::path& cache_folder = {}) {
  const ForcedIsa forced(isa);
  EncoderOptions options;
  options.engine = engine;
  options.use_cache = !cache_folder.empty();
  auto loaded = Encoder::Load(options.use_cache ? cache_folder : ModelFolder(), options);
  if (!loaded.ok()) ADD_FAILURE() << loaded.status().ToString();
  return loaded.ok() ? *std::move(loaded) : nullptr;
}

inline Features Encode(const Encoder& encoder, const std::vector<std::string>& texts,
                       std::size_t texts_a_batch) {
  Features all;
  Encoder::Workspace workspace;
  for (std::size_t i = 0; i < texts.size(); i += texts_a_batch) {
    RaggedBatch batch;
    for (std::size_t t = i; t < std::min(texts.size(), i + texts_a_batch); ++t)
      batch.Add(encoder.tokenizer().Encode(texts[t], encoder.tokens_max()).ids);
    Features part;
    encoder.Encode(batch, workspace, part);
    all.embeddings.insert(all.embeddings.end(), part.embeddings.begin(), part.embeddings.end());
    all.phi.insert(all.phi.end(), part.phi.begin(), part.phi.end());
  }
  return all;
}

inline bool SameBytes(const Features& a, const Features& b) {
  return a.embeddings.size() == b.embeddings.size() && a.phi == b.phi &&
         std::memcmp(a.embeddings.data(), b.embeddings.data(),
                     a.embeddings.size() * sizeof(float)) == 0;
}

#define NEEDS_MODEL()                                   \
  if (!fs::exists(ModelFolder() / "model.safetensors")) \
  GTEST_SKIP() << "no model: run "                      \
                  "tools/setup"

// A folder whose model files are links, with packed weights of its own.
class OwnCacheTest : public ::testing::Test {
 protected:
  void SetUp() override {
    NEEDS_MODEL();
    folder_ = fs::temp_directory_path() / ("ctt_model_" + std::to_string(getpid()));
    fs::remove_all(folder_);
    fs::create_directory(folder_);
    for (const auto& entry : fs::directory_iterator(ModelFolder()))
      if (entry.path().filename() != "packed-i8.bin")
        fs::create_symlink(entry.path(), folder_ / entry.path().filename());
  }
  void TearDown() override { fs::remove_all(folder_); }
  fs::path folder_;
};

}  // namespace ctt::encoder
