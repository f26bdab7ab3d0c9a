#pragma once
// WeightsFile: a model's model.safetensors, mapped read-only and shared between processes.
//
// The word embeddings are half of a MiniLM's bytes, and a text needs one row a token: they are used
// where they lie, and no second copy is kept in a cache or in memory. Everything else is read once
// and packed by the engines.
//
// While a process has the file mapped, nothing may write into it: put a new file in its place by
// renaming (docs/decisions/0051).
//
// Threads: immutable after Open, but for DropPages, which is safe beside readers.
#include <cstdint>
#include <filesystem>
#include <string_view>
#include <vector>

#include "base/file.h"
#include "base/status.h"
#include "encoder/model_config.h"

namespace ctt::encoder {

class WeightsFile {
 public:
  // Looks at the header and the place of the words, at no value. Errors as MappedFile, and those of
  // WordBytes with the path before them.
  static Result<WeightsFile> Open(const std::filesystem::path& path, const ModelConfig& config);

  WeightsFile() = default;

  std::string_view bytes() const { return file_.bytes(); }
  std::int64_t changed() const { return file_.changed(); }
  const std::filesystem::path& path() const { return path_; }
  const float* words() const { return words_; }  // [vocabulary, H]; lives as long as *this.

  // After the whole file was read: only rows that texts ask for shall stay in memory.
  void DropPages() const { file_.DropPages(); }

 private:
  std::filesystem::path path_;
  MappedFile file_;
  std::vector<float> aligned_;  // A copy of the words, where the file has them off a boundary of 4.
  const float* words_ = nullptr;
};

}  // namespace ctt::encoder
