#include "text/character_table.h"

#include <algorithm>
#include <cstring>
#include <iterator>
#include <map>

#include "base/status.h"
#include "text/utf8.h"

namespace ctt::text {
namespace {

struct CodePointRange {
  char32_t first;
  char32_t last;
};
struct CombiningRange {
  char32_t first;
  char32_t last;
  std::uint8_t combining_class;
};
struct Mapping {
  char32_t from;
  char32_t to[4];  // Ends at the first 0.
};

#include "text/unicode_properties.inc"

constexpr char32_t kCodePoints = 0x110000;
constexpr char32_t kBlock = 256;

// Hangul syllables decompose by arithmetic (Unicode standard, section 3.12).
constexpr char32_t kHangulFirst = 0xAC00, kHangulLast = 0xD7A3;
constexpr char32_t kLeadingFirst = 0x1100, kVowelFirst = 0x1161, kTrailingBefore = 0x11A7;
constexpr char32_t kVowels = 21, kTrailings = 28;

enum Flag : std::uint8_t {
  kIsRemoved = 1,
  kIsCleanedToSpace = 2,
  kIsCjk = 4,
  kIsNonspacingMark = 8,
  kIsWhitespace = 16,
  kIsPunctuation = 32,
  kIsCombining = 64,
  kIsMapped = 128,
};

template <typename Range>
void Mark(std::vector<std::uint8_t>& flags, std::span<const Range> ranges, Flag flag) {
  for (const Range& range : ranges) {
    for (char32_t c = range.first; c <= range.last; ++c) flags[c] |= flag;
  }
}

// The flags of every code point, so that the many without any are passed over quickly.
std::vector<std::uint8_t> AllFlags() {
  std::vector<std::uint8_t> flags(kCodePoints);
  Mark(flags, std::span<const CodePointRange>(kRemoved), kIsRemoved);
  Mark(flags, std::span<const CodePointRange>(kCleanedToSpace), kIsCleanedToSpace);
  Mark(flags, std::span<const CodePointRange>(kCjk), kIsCjk);
  Mark(flags, std::span<const CodePointRange>(kNonspacingMarks), kIsNonspacingMark);
  Mark(flags, std::span<const CodePointRange>(kWhitespace), kIsWhitespace);
  Mark(flags, std::span<const CodePointRange>(kPunctuation), kIsPunctuation);
  Mark(flags, std::span<const CombiningRange>(kCombiningClasses), kIsCombining);
  for (const Mapping& mapping : kDecompositions) flags[mapping.from] |= kIsMapped;
  for (const Mapping& mapping : kLowerCase) flags[mapping.from] |= kIsMapped;
  return flags;
}

std::uint8_t CombiningClass(char32_t c) {
  const auto* after = std::upper_bound(
      std::begin(kCombiningClasses), std::end(kCombiningClasses), c,
      [](char32_t value, const CombiningRange& range) { return value < range.first; });
  if (after == std::begin(kCombiningClasses)) return 0;
  const CombiningRange& range = *std::prev(after);
  return c <= range.last ? range.combining_class : 0;
}

// Calls `use` with each code point that `c` maps to, or with `c` itself.
template <typename Use>
void ForEachMapped(std::span<const Mapping> mappings, char32_t c, Use use) {
  const auto found =
      std::lower_bound(mappings.begin(), mappings.end(), c,
                       [](const Mapping& mapping, char32_t value) { return mapping.from < value; });
  if (found == mappings.end() || found->from != c) return use(c);
  for (const char32_t to : found->to) {
    if (to != 0) use(to);
  }
}

Piece MakePiece(char32_t c, PieceKind kind, std::uint8_t combining_class) {
  Piece piece{};
  piece.size = static_cast<std::uint8_t>(EncodeUtf8(c, piece.bytes));
  piece.kind = kind;
  piece.combining_class = combining_class;
  return piece;
}

bool operator==(const Piece& a, const Piece& b) {
  return a.size == b.size && a.kind == b.kind && a.combining_class == b.combining_class &&
         std::memcmp(a.bytes, b.bytes, a.size) == 0;
}

}  // namespace

// Composes the stages, in the reference's order, for one code point after another.
class CharacterTable::Maker {
 public:
  Maker(const NormalizerOptions& options, CharacterTable& table)
      : options_(options), table_(table), flags_(AllFlags()) {}

  void Run() {
    std::map<std::array<std::uint16_t, kBlock>, std::uint16_t> known;
    std::array<std::uint16_t, kBlock> block{};
    for (char32_t start = 0; start < kCodePoints; start += kBlock) {
      for (char32_t i = 0; i < kBlock; ++i) block[i] = EntryOf(start + i);
      const auto [at, is_new] = known.try_emplace(block, known.size());
      if (is_new) table_.entries_.insert(table_.entries_.end(), block.begin(), block.end());
      table_.blocks_[start / kBlock] = at->second;
    }
  }

 private:
  std::uint16_t EntryOf(char32_t c) {
    if (options_.strip_accents && c >= kHangulFirst && c <= kHangulLast) return kHangul;
    if (flags_[c] == 0) return kSameLetter;
    Compose(c);
    if (made_.empty()) return kDropped;
    if (made_.size() == 1) {
      if (made_[0] == MakePiece(c, PieceKind::kLetter, 0)) return kSameLetter;
      if (made_[0] == MakePiece(c, PieceKind::kAlone, 0)) return kSameAlone;
      if (made_[0].kind == PieceKind::kSpace) return kSpaceOnly;
    }
    return Store();
  }

  std::uint16_t Store() {
    const std::size_t entry = kFirstStored + table_.pieces_.size();
    CTT_CHECK(entry <= UINT16_MAX);
    made_.back().last = true;
    table_.pieces_.insert(table_.pieces_.end(), made_.begin(), made_.end());
    return static_cast<std::uint16_t>(entry);
  }

  void Compose(char32_t c) {
    made_.clear();
    const std::uint8_t flags = flags_[c];
    if (options_.clean_text && (flags & kIsRemoved)) return;
    if (options_.clean_text && (flags & kIsCleanedToSpace)) return Add(U' ', 0);
    const bool spaced = options_.handle_chinese_chars && (flags & kIsCjk);
    if (spaced) Add(U' ', 0);
    Decompose(c);
    if (spaced) Add(U' ', 0);
    // A word between two spaces is a word alone.
    if (spaced && made_.size() == 3 && made_[1].kind == PieceKind::kLetter) {
      made_ = {made_[1]};
      made_[0].kind = PieceKind::kAlone;
    }
  }

  void Decompose(char32_t c) {
    if (!options_.strip_accents) return Lower(c, 0);
    ForEachMapped(kDecompositions, c, [this](char32_t part) {
      const std::uint8_t combining_class = CombiningClass(part);
      if (!(flags_[part] & kIsNonspacingMark)) return Lower(part, combining_class);
      if (combining_class == 0) made_.push_back({.kind = PieceKind::kBarrier});
    });
  }

  void Lower(char32_t c, std::uint8_t combining_class) {
    if (!options_.lowercase) return Add(c, combining_class);
    ForEachMapped(kLowerCase, c, [&](char32_t lower) { Add(lower, combining_class); });
  }

  void Add(char32_t c, std::uint8_t combining_class) {
    const std::uint8_t flags = flags_[c];
    const PieceKind kind = flags & kIsWhitespace    ? PieceKind::kSpace
                           : flags & kIsPunctuation ? PieceKind::kAlone
                                                    : PieceKind::kLetter;
    made_.push_back(MakePiece(c, kind, combining_class));
  }

  const NormalizerOptions& options_;
  CharacterTable& table_;
  const std::vector<std::uint8_t> flags_;
  std::vector<Piece> made_;
};

CharacterTable::CharacterTable(const NormalizerOptions& options) { Maker(options, *this).Run(); }

std::span<const Piece> CharacterTable::Find(char32_t code_point, PieceScratch& scratch) const {
  const std::uint16_t entry = entries_[blocks_[code_point / kBlock] * kBlock + code_point % kBlock];
  switch (entry) {
    case kDropped:
      return {};
    case kSameLetter:
    case kSameAlone:
    case kSpaceOnly: {
      constexpr PieceKind kKinds[] = {PieceKind::kLetter, PieceKind::kAlone, PieceKind::kSpace};
      scratch[0] = MakePiece(code_point, kKinds[entry], 0);
      return {scratch.data(), 1};
    }
    case kHangul: {
      const char32_t index = code_point - kHangulFirst;
      const char32_t parts[] = {kLeadingFirst + index / (kVowels * kTrailings),
                                kVowelFirst + index / kTrailings % kVowels,
                                kTrailingBefore + index % kTrailings};
      const std::size_t count = index % kTrailings == 0 ? 2 : 3;
      for (std::size_t i = 0; i < count; ++i) {
        scratch[i] = MakePiece(parts[i], PieceKind::kLetter, 0);
      }
      return {scratch.data(), count};
    }
    default: {
      const Piece* first = &pieces_[entry - kFirstStored];
      const Piece* last = first;
      while (!last->last) ++last;
      return {first, last + 1};
    }
  }
}

}  // namespace ctt::text
