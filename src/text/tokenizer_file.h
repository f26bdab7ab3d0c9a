#pragma once
// tokenizer.json -> what the tokenizer needs of it.
//
// Read: `added_tokens`, `normalizer` (BertNormalizer), `pre_tokenizer` (BertPreTokenizer), `model`
// (WordPiece) and `post_processor` (TemplateProcessing or BertProcessing: one special token before
// the text, one after). `truncation` and `padding` are the caller's choice and not read. Threads:
// pure.
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"
#include "text/character_table.h"

namespace ctt::text {

struct TokenizerFile {
  NormalizerOptions normalizer;
  std::vector<std::pair<std::string, std::int32_t>> vocabulary;
  // Found in the raw text before anything else.
  std::vector<std::pair<std::string, std::int32_t>> added_tokens;
  std::string continuation_prefix;  // "##"
  std::uint32_t word_chars_max = 0;
  std::int32_t unknown_id = 0;
  std::int32_t first_id = 0;  // [CLS]
  std::int32_t last_id = 0;   // [SEP]
};

// kInvalidArgument: not JSON, a part missing or of another type, or a kind of tokenizer that is not
// supported; the message names the part.
Result<TokenizerFile> ParseTokenizerFile(std::string_view json_text);

}  // namespace ctt::text
