#pragma once
// Text -> hashed n-grams: what the lexical part of a head sees of a text, beside the encoder's
// features. In any script: words where the script has spaces, runs of characters where it has none.
//
// The first kNGramCharactersMax characters, compatibility-composed and case-folded (Unicode NFKC
// with case folding; bytes that are not UTF-8 read as U+FFFD), give
//   word n-grams, n = 1, 2: a word is a run of letters, marks and digits; any other character
//     but space (punctuation, an emoji, an invisible joiner) is a word of its own;
//   character n-grams, n = 3 to 5, of each run without spaces, with a space on either side.
//
// Threads: a pure function.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ctt::text {

// About what the encoder reads.
inline constexpr std::size_t kNGramCharactersMax = 1024;

// Rising, each as often as it occurs, at most 20 KiB for a text. A hash is 31 bits of a fixed hash
// of the n-gram over its lowest bit, which is 0 for words and 1 for characters.
using NGrams = std::vector<std::uint32_t>;
NGrams HashedNGrams(std::string_view text);

struct NamedNGram {
  std::uint32_t hash;
  std::string name;  // As folded; of characters with the spaces at either end of their run.
};
constexpr bool IsOfCharacters(std::uint32_t hash) { return (hash & 1) != 0; }
// The same with what they are: by rising hash, each once. Of two that share a hash, the first in
// the text.
std::vector<NamedNGram> NamedNGrams(std::string_view text);

}  // namespace ctt::text
