#include "http/answer_spool.h"

#include <algorithm>
#include <utility>

namespace ctt::http {

AnswerSpool::~AnswerSpool() {
  if (file_ != nullptr) std::fclose(file_);
}

void AnswerSpool::Append(std::string_view bytes) {
  const bool file_is_empty = file_size_ == file_read_;
  if (file_is_empty && memory_.size() + bytes.size() <= kMemoryBytesMax) {
    memory_ += bytes;
  } else if (!AppendToFile(bytes)) {
    // No room on disk: rather more memory than a lost acknowledgement.
    ReadBack();
    memory_ += bytes;
  }
}

bool AnswerSpool::AppendToFile(std::string_view bytes) {
  if (file_ == nullptr) file_ = std::tmpfile();
  if (file_ == nullptr || std::fseek(file_, file_size_, SEEK_SET) != 0) return false;
  if (std::fwrite(bytes.data(), 1, bytes.size(), file_) != bytes.size()) return false;
  if (std::fflush(file_) != 0) return false;
  file_size_ += static_cast<std::int64_t>(bytes.size());
  return true;
}

void AnswerSpool::ReadBack() {
  const std::size_t wanted = static_cast<std::size_t>(file_size_ - file_read_);
  const std::size_t held = memory_.size();
  memory_.resize(held + wanted);
  const bool placed = wanted == 0 || std::fseek(file_, file_read_, SEEK_SET) == 0;
  const std::size_t got =
      placed && wanted > 0 ? std::fread(memory_.data() + held, 1, wanted, file_) : 0;
  memory_.resize(held + got);
  file_size_ = file_read_ = 0;
}

std::string AnswerSpool::Take() {
  if (!memory_.empty() || file_size_ == file_read_) return std::exchange(memory_, {});
  std::string bytes(
      std::min<std::size_t>(kMemoryBytesMax, static_cast<std::size_t>(file_size_ - file_read_)),
      '\0');
  const bool placed = std::fseek(file_, file_read_, SEEK_SET) == 0;
  bytes.resize(placed ? std::fread(bytes.data(), 1, bytes.size(), file_) : 0);
  file_read_ += static_cast<std::int64_t>(bytes.size());
  // Drained, or unreadable: begin the file anew.
  if (file_read_ == file_size_ || bytes.empty()) file_size_ = file_read_ = 0;
  return bytes;
}

}  // namespace ctt::http
