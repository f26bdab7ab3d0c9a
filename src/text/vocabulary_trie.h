#pragma once
// The vocabulary as a trie over UTF-8 bytes, laid out as a double array (Aoe, "An efficient digital
// search algorithm by using a double-array structure", IEEE TSE 1989): a step is one load and one
// compare. The child of node n by byte b is unit `base(n) ^ b`, if that unit's parent is n.
//
// Threads: immutable once built. 8 bytes a unit, about 1 MiB for 30,000 tokens.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace ctt::text {

class VocabularyTrie {
 public:
  using Node = std::uint32_t;
  static constexpr Node kRoot = 0;
  static constexpr std::int32_t kIdMax = (1 << 20) - 2;

  struct Match {
    std::int32_t id = -1;   // -1: no token begins the text.
    std::size_t bytes = 0;  // Length of the token after `from`.
  };

  // kInvalidArgument: an id outside [0, kIdMax], an empty token, the same token twice, or more text
  // than the layout can hold (some 4 million bytes in different prefixes).
  static Result<VocabularyTrie> Build(std::vector<std::pair<std::string, std::int32_t>> tokens);

  // The node that `prefix` leads to; false if no token begins so.
  bool Walk(std::string_view prefix, Node& node) const;

  // The longest non-empty way from `from` along `text` that ends a token.
  Match Longest(Node from, std::string_view text) const {
    Match best;
    Node node = from;
    for (std::size_t i = 0; i < text.size(); ++i) {
      if (!Step(node, static_cast<std::uint8_t>(text[i]))) break;
      const std::uint32_t token = units_[node].token;
      if (token != 0) best = {static_cast<std::int32_t>(token) - 1, i + 1};
    }
    return best;
  }

 private:
  friend class TrieBuilder;

  // base: of the children; parent: the node's own, kNoParent in a unit that is free; token: id + 1,
  // 0 if no token ends here. Twenty bits an id and 22 a unit make eight bytes.
  struct Unit {
    std::uint64_t base : 22 = 0;
    std::uint64_t parent : 22 = kNoParent;
    std::uint64_t token : 20 = 0;
  };
  static constexpr std::uint32_t kNoParent = (1u << 22) - 1;

  // A base is a multiple of 256 plus a byte, so base ^ byte stays inside units_.
  bool Step(Node& node, std::uint8_t byte) const {
    const Node next = static_cast<Node>(units_[node].base) ^ byte;
    if (units_[next].parent != node) return false;
    node = next;
    return true;
  }

  std::vector<Unit> units_;  // Size a multiple of 256.
};

}  // namespace ctt::text
