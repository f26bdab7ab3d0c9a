#pragma once
// Little-endian byte strings: what every stored format of ctt is written with and read back from.
//
// ByteWriter only grows its own buffer. ByteReader borrows its input, which must outlive it; a read
// past the end sets failed() and yields zeros, so a parser reads on and asks once at the end.
// Threads: none shared.
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>

namespace ctt {

class ByteWriter {
 public:
  template <typename T>
  void Write(T value) {
    static_assert(std::is_trivially_copyable_v<T>);
    bytes_.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  template <typename T>
  void WriteArray(std::span<const T> values) {
    bytes_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  }
  // A u32 length, then the bytes.
  void WriteString(std::string_view text) {
    Write(static_cast<std::uint32_t>(text.size()));
    bytes_.append(text);
  }
  std::string Take() && { return std::move(bytes_); }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
};

class ByteReader {
 public:
  explicit ByteReader(std::string_view bytes) : rest_(bytes) {}

  template <typename T>
  T Read() {
    T value{};
    if (!Has(sizeof value)) return value;
    std::memcpy(&value, rest_.data(), sizeof value);
    rest_.remove_prefix(sizeof value);
    return value;
  }
  template <typename T>
  void ReadArray(std::span<T> values) {
    if (!Has(values.size_bytes())) return;
    if (!values.empty()) std::memcpy(values.data(), rest_.data(), values.size_bytes());
    rest_.remove_prefix(values.size_bytes());
  }
  std::string_view ReadString() {
    const auto size = Read<std::uint32_t>();
    if (!Has(size)) return {};
    const std::string_view text = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return text;
  }
  bool failed() const { return failed_; }
  std::size_t remaining() const { return rest_.size(); }

 private:
  bool Has(std::size_t size) {
    failed_ = failed_ || size > rest_.size();
    return !failed_;
  }
  std::string_view rest_;
  bool failed_ = false;
};

}  // namespace ctt
