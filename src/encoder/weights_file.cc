#include "encoder/weights_file.h"

#include <cstring>
#include <utility>

#include "encoder/weights.h"

namespace ctt::encoder {

Result<WeightsFile> WeightsFile::Open(const std::filesystem::path& path,
                                      const ModelConfig& config) {
  WeightsFile opened;
  opened.path_ = path;
  CTT_ASSIGN_OR_RETURN(opened.file_, MappedFile::Open(path));
  const Result<std::string_view> words = WordBytes(opened.bytes(), config);
  if (!words.ok()) return words.status().WithContext(path.string());
  // Writers of the format align the data; the format does not ask for it.
  if (reinterpret_cast<std::uintptr_t>(words->data()) % alignof(float) == 0) {
    opened.words_ = reinterpret_cast<const float*>(words->data());
  } else {
    opened.aligned_.resize(words->size() / sizeof(float));
    std::memcpy(opened.aligned_.data(), words->data(), words->size());
    opened.words_ = opened.aligned_.data();
  }
  return opened;
}

}  // namespace ctt::encoder
