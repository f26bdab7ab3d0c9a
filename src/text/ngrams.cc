#include "text/ngrams.h"

#include <algorithm>
#include <array>
#include <span>
#include <string>

#include <utf8proc.h>

#include "base/status.h"
#include "text/utf8.h"

namespace ctt::text {
namespace {

constexpr std::size_t kLengthMin = 3, kLengthMax = 5;
constexpr utf8proc_int32_t kSpace = ' ';
constexpr std::uint32_t kCharacters = 1;  // The lowest bit of a hash of characters.

constexpr std::uint64_t kHashStart = 0xcbf29ce484222325ull;
constexpr std::uint64_t Extend(std::uint64_t hash, utf8proc_int32_t character) {  // FNV-1a.
  return (hash ^ static_cast<std::uint32_t>(character)) * 0x100000001b3ull;
}
// The finaliser of splitmix64: FNV's high bits alone are poor for short strings.
constexpr std::uint32_t Finish(std::uint64_t hash, std::uint32_t kind) {
  hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9ull;
  hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebull;
  hash ^= hash >> 31;
  return static_cast<std::uint32_t>(hash >> 32 & ~std::uint64_t{1}) | kind;
}

std::string FirstCharacters(std::string_view text, std::size_t count_max) {
  std::string valid;
  for (std::size_t count = 0; !text.empty() && count < count_max; ++count) {
    const Decoded next = DecodeUtf8(text);
    char bytes[4];
    valid.append(bytes, EncodeUtf8(next.code_point, bytes));
    text.remove_prefix(next.size);
  }
  return valid;
}

std::vector<utf8proc_int32_t> Fold(std::string_view text) {
  constexpr auto kOptions = static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPAT |
                                                           UTF8PROC_COMPOSE | UTF8PROC_CASEFOLD);
  const std::string valid = FirstCharacters(text, kNGramCharactersMax);
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(valid.data());
  const auto size = static_cast<utf8proc_ssize_t>(valid.size());
  // The least room that always serves is unknown; most texts fold to as many characters.
  std::vector<utf8proc_int32_t> folded(valid.size() + 1);
  utf8proc_ssize_t count = utf8proc_decompose(
      bytes, size, folded.data(), static_cast<utf8proc_ssize_t>(folded.size()), kOptions);
  if (count > static_cast<utf8proc_ssize_t>(folded.size())) {
    folded.resize(static_cast<std::size_t>(count) + 1);
    count = utf8proc_decompose(bytes, size, folded.data(), count, kOptions);
  }
  CTT_CHECK(count >= 0);  // The text is UTF-8 by now.
  count = utf8proc_normalize_utf32(folded.data(), count, kOptions);
  folded.resize(std::min(static_cast<std::size_t>(count), kNGramCharactersMax));
  return folded;
}

bool IsSpace(utf8proc_int32_t character) {
  switch (utf8proc_category(character)) {
    case UTF8PROC_CATEGORY_ZS:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CC:
      return true;
    default:
      return false;
  }
}

bool IsOfWord(utf8proc_int32_t character) {
  const utf8proc_category_t category = utf8proc_category(character);
  return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_NO) ||
         category == UTF8PROC_CATEGORY_PC;
}

class Collector {
 public:
  // Names are kept in `named` too, when it is not null.
  Collector(std::vector<utf8proc_int32_t> folded, std::vector<NamedNGram>* named)
      : text_(std::move(folded)), named_(named) {}

  NGrams Take() && {
    std::size_t first = 0;
    while (first < text_.size()) {
      std::size_t last = first;
      while (last < text_.size() && !IsSpace(text_[last])) ++last;
      if (last > first) AddRun(first, last);
      first = last + 1;
    }
    std::sort(hashes_.begin(), hashes_.end());
    return std::move(hashes_);
  }

 private:
  void AddRun(std::size_t first, std::size_t last) {
    run_.assign(1, kSpace);
    run_.insert(run_.end(), text_.begin() + static_cast<std::ptrdiff_t>(first),
                text_.begin() + static_cast<std::ptrdiff_t>(last));
    run_.push_back(kSpace);
    for (std::size_t i = 0; i + kLengthMin <= run_.size(); ++i) {
      std::uint64_t hash = kHashStart;
      for (std::size_t j = i; j < std::min(i + kLengthMax, run_.size()); ++j) {
        hash = Extend(hash, run_[j]);
        if (j + 1 - i >= kLengthMin) Push(Finish(hash, kCharacters), std::span(run_), i, j + 1);
      }
    }
    for (std::size_t i = first; i < last;) {
      std::size_t end = i + 1;
      if (IsOfWord(text_[i]))
        while (end < last && IsOfWord(text_[end])) ++end;
      AddWord(i, end);
      i = end;
    }
  }

  void AddWord(std::size_t first, std::size_t end) {
    std::uint64_t word = kHashStart, pair = Extend(previous_, kSpace);
    for (std::size_t i = first; i < end; ++i) {
      word = Extend(word, text_[i]);
      pair = Extend(pair, text_[i]);
    }
    Push(Finish(word, 0), text_, first, end);
    const std::string name = named_ == nullptr ? std::string() : named_->back().name;
    if (has_previous_) {
      hashes_.push_back(Finish(pair, 0));
      if (named_ != nullptr) named_->push_back({hashes_.back(), previous_name_ + ' ' + name});
    }
    previous_ = word;
    previous_name_ = name;
    has_previous_ = true;
  }

  void Push(std::uint32_t hash, std::span<const utf8proc_int32_t> in, std::size_t first,
            std::size_t end) {
    hashes_.push_back(hash);
    if (named_ == nullptr) return;
    named_->push_back({hash, {}});
    for (const utf8proc_int32_t character : in.subspan(first, end - first)) {
      char bytes[4];
      named_->back().name.append(bytes, EncodeUtf8(static_cast<std::uint32_t>(character), bytes));
    }
  }

  const std::vector<utf8proc_int32_t> text_;
  std::vector<NamedNGram>* named_;
  std::vector<utf8proc_int32_t> run_;
  std::uint64_t previous_ = 0;  // Of the word before.
  std::string previous_name_;
  bool has_previous_ = false;
  NGrams hashes_;
};

}  // namespace

NGrams HashedNGrams(std::string_view text) { return Collector(Fold(text), nullptr).Take(); }

std::vector<NamedNGram> NamedNGrams(std::string_view text) {
  std::vector<NamedNGram> named;
  (void)Collector(Fold(text), &named).Take();
  std::stable_sort(named.begin(), named.end(),
                   [](const NamedNGram& a, const NamedNGram& b) { return a.hash < b.hash; });
  const auto same = [](const NamedNGram& a, const NamedNGram& b) { return a.hash == b.hash; };
  named.erase(std::unique(named.begin(), named.end(), same), named.end());
  return named;
}

}  // namespace ctt::text
