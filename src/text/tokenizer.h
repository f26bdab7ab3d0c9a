#pragma once
// Text -> TokenIds: the BERT uncased tokenizer (clean, CJK spacing, lower case, accents stripped,
// split on punctuation, WordPiece), id for id what the reference `tokenizers` library answers for
// the model's tokenizer.json, on any bytes.
//
// Bytes that are not UTF-8 are read as U+FFFD, one for each maximal invalid part (the replacement
// of the Unicode standard, section 3.9, which is also how Python decodes with errors="replace").
//
// Threads: a Tokenizer is immutable after Load; share it as const. Encode allocates only its
// answer.
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ctt::text {

using TokenId = std::int32_t;

struct TokenIds {
  std::vector<TokenId> ids;  // [CLS] ... [SEP]; at least these two.
  bool truncated = false;    // Tokens past the limit were dropped ([SEP] kept last).
};

class Tokenizer {
 public:
  // Reads `tokenizer.json` (normaliser options, vocabulary, special tokens) of a model folder.
  // kNotFound: no such file. kInvalidArgument: damaged, or a kind of tokenizer that is not
  // supported; the message says which part.
  static Result<Tokenizer> Load(const std::filesystem::path& model_folder);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // REQUIRES: tokens_max >= 2 (the two special tokens).
  TokenIds Encode(std::string_view text, std::int32_t tokens_max) const;

  // One more than the largest id: the rows that a table of token embeddings needs.
  std::int32_t vocabulary_size() const;

 private:
  struct Tables;
  class Reader;
  explicit Tokenizer(std::unique_ptr<const Tables> tables);
  std::unique_ptr<const Tables> tables_;
};

}  // namespace ctt::text
