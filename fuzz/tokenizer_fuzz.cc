// Any bytes -> token ids: within the vocabulary, within the limit, the same each time, and a text
// cut by the limit begins as the whole text does.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/status.h"
#include "text/tokenizer.h"

namespace {

const ctt::text::Tokenizer& TheTokenizer() {
  static const auto tokenizer =
      ctt::text::Tokenizer::Load(CTT_SOURCE_DIR "/models/all-MiniLM-L6-v2");
  CTT_CHECK(tokenizer.ok());
  return *tokenizer;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const ctt::text::Tokenizer& tokenizer = TheTokenizer();
  const auto whole = tokenizer.Encode(text, 512);
  CTT_CHECK(whole.ids.size() >= 2 && whole.ids.size() <= 512);
  for (const ctt::text::TokenId id : whole.ids)
    CTT_CHECK(id >= 0 && id < tokenizer.vocabulary_size());
  CTT_CHECK(tokenizer.Encode(text, 512).ids == whole.ids);
  const auto cut = tokenizer.Encode(text, 8);
  CTT_CHECK(cut.ids.size() == std::min<std::size_t>(8, whole.ids.size()));
  CTT_CHECK(std::equal(cut.ids.begin(), cut.ids.end() - 1, whole.ids.begin()));
  return 0;
}
