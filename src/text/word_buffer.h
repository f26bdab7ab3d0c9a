#pragma once
// The word being collected: UTF-8 bytes, and a count of characters that goes no further than the
// vocabulary's limit, past which the word is unknown whatever it holds. So a word of any length
// takes constant memory.
//
// Combining marks are kept in canonical order: a mark moves before the marks of a higher class that
// end the word (the canonical ordering algorithm, Unicode standard, section 3.11, as an insertion
// sort). Threads: belongs to one.
#include <cstdint>
#include <cstring>
#include <string_view>

namespace ctt::text {

inline constexpr std::uint32_t kWordCharsLimit = 256;

class WordBuffer {
 public:
  // REQUIRES: chars_max <= kWordCharsLimit.
  explicit WordBuffer(std::uint32_t chars_max) : chars_max_(chars_max) {}

  void Clear() { bytes_ = chars_ = marks_ = 0; }
  bool empty() const { return chars_ == 0; }
  bool too_long() const { return chars_ > chars_max_; }
  // REQUIRES: !too_long().
  std::string_view bytes() const { return {data_, bytes_}; }

  void AppendAscii(char c) {
    marks_ = 0;
    if (chars_ >= chars_max_) return Overflow();
    data_[bytes_++] = c;
    ++chars_;
  }

  // One character. combining_class: 0 if it keeps its place.
  void Append(std::string_view character, std::uint8_t combining_class) {
    if (combining_class == 0) EndMarks();
    if (chars_ >= chars_max_) return Overflow();
    char* place = data_ + bytes_;
    if (combining_class != 0) place = MakeRoom(character.size(), combining_class);
    std::memcpy(place, character.data(), character.size());
    bytes_ += static_cast<std::uint32_t>(character.size());
    ++chars_;
  }

  // Marks to come stay after those that are here.
  void EndMarks() { marks_ = 0; }

 private:
  struct Mark {
    std::uint8_t combining_class;
    std::uint8_t size;
  };

  void Overflow() { chars_ = chars_max_ + 1; }

  // Moves the marks of a higher class by `size` bytes, and notes the new mark before them.
  char* MakeRoom(std::size_t size, std::uint8_t combining_class) {
    std::uint32_t at = marks_;
    std::size_t moved = 0;
    for (; at > 0 && mark_[at - 1].combining_class > combining_class; --at) {
      moved += mark_[at - 1].size;
      mark_[at] = mark_[at - 1];
    }
    mark_[at] = {combining_class, static_cast<std::uint8_t>(size)};
    ++marks_;
    char* place = data_ + bytes_ - moved;
    std::memmove(place + size, place, moved);
    return place;
  }

  const std::uint32_t chars_max_;
  std::uint32_t bytes_ = 0;
  std::uint32_t chars_ = 0;  // chars_max_ + 1: too long.
  std::uint32_t marks_ = 0;  // Marks at the end of the word that a new one may move before.
  char data_[kWordCharsLimit * 4];
  Mark mark_[kWordCharsLimit];
};

}  // namespace ctt::text
