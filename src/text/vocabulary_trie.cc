#include "text/vocabulary_trie.h"

#include <algorithm>
#include <span>

namespace ctt::text {

// Places one node's children after another, depth first over the sorted tokens. Children go into
// free units of the last kOpenBlocks blocks; older blocks are nearly full, and not looked at again,
// which keeps building linear.
class TrieBuilder {
 public:
  using Tokens = std::span<const std::pair<std::string, std::int32_t>>;

  // REQUIRES: tokens sorted, not empty strings, none twice.
  explicit TrieBuilder(Tokens tokens) : tokens_(tokens) {}

  // False: the layout is full.
  bool Run(VocabularyTrie& trie) {
    AddBlock();
    Take(VocabularyTrie::kRoot, VocabularyTrie::kNoParent);
    std::vector<Work> stack = {{VocabularyTrie::kRoot, 0, 0, tokens_.size()}};
    while (!stack.empty()) {
      const Work work = stack.back();
      stack.pop_back();
      if (!PlaceChildren(work, stack)) return false;
    }
    trie.units_ = std::move(units_);
    return true;
  }

 private:
  // The tokens [begin, end) share their first `depth` bytes, which lead to `node`.
  struct Work {
    std::uint32_t node;
    std::size_t depth;
    std::size_t begin;
    std::size_t end;
  };
  struct Child {
    std::uint8_t byte;
    std::size_t begin;
    std::size_t end;
  };
  static constexpr std::size_t kBlock = 256;
  static constexpr std::size_t kOpenBlocks = 16;
  static constexpr std::uint32_t kNotOpen = UINT32_MAX;

  bool PlaceChildren(Work work, std::vector<Work>& stack) {
    if (tokens_[work.begin].first.size() == work.depth) {
      units_[work.node].token = static_cast<std::uint64_t>(tokens_[work.begin].second) + 1;
      ++work.begin;
    }
    SplitByByte(work);
    if (children_.empty()) return true;
    const std::uint32_t base = FindBase();
    if (units_.size() >= VocabularyTrie::kNoParent) return false;
    units_[work.node].base = base;
    for (const Child& child : children_) {
      Take(base ^ child.byte, work.node);
      stack.push_back({base ^ child.byte, work.depth + 1, child.begin, child.end});
    }
    return true;
  }

  void SplitByByte(const Work& work) {
    children_.clear();
    for (std::size_t i = work.begin; i < work.end; ++i) {
      const auto byte = static_cast<std::uint8_t>(tokens_[i].first[work.depth]);
      if (children_.empty() || children_.back().byte != byte) children_.push_back({byte, i, i});
      children_.back().end = i + 1;
    }
  }

  std::uint32_t FindBase() {
    for (const std::uint32_t unit : open_) {
      const std::uint32_t base = unit ^ children_[0].byte;
      const bool all_free =
          std::all_of(children_.begin(), children_.end(),
                      [&](const Child& child) { return place_[base ^ child.byte] != kNotOpen; });
      if (all_free) return base;
    }
    AddBlock();
    return static_cast<std::uint32_t>(units_.size() - kBlock);
  }

  void AddBlock() {
    const std::size_t start = units_.size();
    units_.resize(start + kBlock);
    place_.resize(start + kBlock);
    for (std::size_t unit = start; unit < start + kBlock; ++unit) {
      place_[unit] = static_cast<std::uint32_t>(open_.size());
      open_.push_back(static_cast<std::uint32_t>(unit));
    }
    if (start < kOpenBlocks * kBlock) return;
    const std::size_t closed = start - kOpenBlocks * kBlock;
    for (std::size_t unit = closed; unit < closed + kBlock; ++unit) {
      Close(static_cast<std::uint32_t>(unit));
    }
  }

  void Take(std::uint32_t unit, std::uint32_t parent) {
    units_[unit].parent = parent;
    Close(unit);
  }

  void Close(std::uint32_t unit) {
    const std::uint32_t place = place_[unit];
    if (place == kNotOpen) return;
    open_[place] = open_.back();
    place_[open_[place]] = place;
    open_.pop_back();
    place_[unit] = kNotOpen;
  }

  const Tokens tokens_;
  std::vector<VocabularyTrie::Unit> units_;
  std::vector<std::uint32_t> open_;   // Free units of the open blocks.
  std::vector<std::uint32_t> place_;  // Unit -> its place in open_, or kNotOpen.
  std::vector<Child> children_;       // Of the node at hand.
};

Result<VocabularyTrie> VocabularyTrie::Build(
    std::vector<std::pair<std::string, std::int32_t>> tokens) {
  std::sort(tokens.begin(), tokens.end());
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const auto& [token, id] = tokens[i];
    if (token.empty()) return InvalidArgument("the vocabulary holds an empty token");
    if (id < 0 || id > kIdMax) {
      return InvalidArgument("the id " + std::to_string(id) + " of token '" + token +
                             "' is outside 0 to " + std::to_string(kIdMax));
    }
    if (i > 0 && tokens[i - 1].first == token) {
      return InvalidArgument("the vocabulary holds '" + token + "' twice");
    }
  }
  VocabularyTrie trie;
  if (tokens.empty()) return InvalidArgument("the vocabulary is empty");
  if (!TrieBuilder(tokens).Run(trie)) return InvalidArgument("the vocabulary is too large");
  return trie;
}

bool VocabularyTrie::Walk(std::string_view prefix, Node& node) const {
  for (const char byte : prefix) {
    if (!Step(node, static_cast<std::uint8_t>(byte))) return false;
  }
  return true;
}

}  // namespace ctt::text
