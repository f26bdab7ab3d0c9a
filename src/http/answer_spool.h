#pragma once
// AnswerSpool: bytes that wait to be sent, first in, first out. A client may send its whole stream
// before it reads the first answer line; so that neither side waits for the other, and memory stays
// bounded, what is past kMemoryBytesMax waits in a nameless temporary file.
//
// Threads: belongs to one.
#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace ctt::http {

class AnswerSpool {
 public:
  static constexpr std::size_t kMemoryBytesMax = 1024 * 1024;

  AnswerSpool() = default;
  ~AnswerSpool();
  AnswerSpool(const AnswerSpool&) = delete;
  AnswerSpool& operator=(const AnswerSpool&) = delete;

  void Append(std::string_view bytes);
  std::string Take();  // Up to about kMemoryBytesMax bytes; empty: none wait.
  bool empty() const { return memory_.empty() && file_size_ == file_read_; }

 private:
  bool AppendToFile(std::string_view bytes);
  void ReadBack();

  std::string memory_;  // Older than all in the file.
  std::FILE* file_ = nullptr;
  std::int64_t file_read_ = 0;
  std::int64_t file_size_ = 0;
};

}  // namespace ctt::http
