#pragma once
// What each code point becomes on its way into a word: the BERT normaliser (clean, CJK spacing, NFD
// without nonspacing marks, lower case) and the BERT word splitter, folded into one look-up.
//
// The reference runs these one after another over the whole text. All but one look at one character
// at a time, so they compose into a table; the one is NFD's ordering of combining marks, for which
// a piece carries its combining class and the word sorts as it grows (word_buffer.h). The
// properties come from the reference itself (make_unicode_properties.py says why), not from a
// Unicode library.
//
// Threads: immutable once made. About 100 KiB.
#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace ctt::text {

struct NormalizerOptions {
  bool clean_text = true;
  bool handle_chinese_chars = true;
  bool strip_accents = true;
  bool lowercase = true;
};

enum class PieceKind : std::uint8_t {
  kLetter,   // Goes on with the word.
  kAlone,    // A word of its own.
  kSpace,    // Ends the word.
  kBarrier,  // Leaves nothing, but later marks do not move before it.
};

struct Piece {
  char bytes[4];  // UTF-8.
  std::uint8_t size;
  PieceKind kind;
  std::uint8_t combining_class;  // Only of kLetter; 0 if the character keeps its place.
  bool last;                     // Of the pieces of its character.
};

// Room for the pieces of one character that are not stored.
using PieceScratch = std::array<Piece, 3>;

class CharacterTable {
 public:
  explicit CharacterTable(const NormalizerOptions& options);

  // The pieces of a character, none if it is dropped. They lie in the table or in `scratch`, and
  // are valid as long as both. REQUIRES: a scalar value.
  std::span<const Piece> Find(char32_t code_point, PieceScratch& scratch) const;

 private:
  // An entry below kFirstStored names one of these; others are kFirstStored + an index in pieces_.
  enum Entry : std::uint16_t {
    kSameLetter,
    kSameAlone,
    kSpaceOnly,
    kDropped,
    kHangul,
    kFirstStored
  };

  class Maker;

  std::array<std::uint16_t, 0x1100> blocks_{};  // Code point / 256 -> start in entries_, / 256.
  std::vector<std::uint16_t> entries_;
  std::vector<Piece> pieces_;
};

}  // namespace ctt::text
