// print_token_ids MODEL_FOLDER TOKENS_MAX: the tokenizer as a filter, for compare_tokenizer.py.
// In:  for each text its length in bytes (u32), then the bytes.
// Out: for each text the number of ids (u32), whether it was truncated (u32), then the ids (i32).
// All little-endian.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "text/tokenizer.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: print_token_ids MODEL_FOLDER TOKENS_MAX\n");
    return 2;
  }
  const auto tokenizer = ctt::text::Tokenizer::Load(argv[1]);
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.status().ToString().c_str());
    return 1;
  }
  const std::int32_t tokens_max = std::atoi(argv[2]);
  std::uint32_t size = 0;
  std::string text;
  while (std::fread(&size, sizeof size, 1, stdin) == 1) {
    text.resize(size);
    if (std::fread(text.data(), 1, size, stdin) != size) return 1;
    const ctt::text::TokenIds answer = tokenizer->Encode(text, tokens_max);
    const std::uint32_t head[] = {static_cast<std::uint32_t>(answer.ids.size()), answer.truncated};
    std::fwrite(head, sizeof head, 1, stdout);
    std::fwrite(answer.ids.data(), sizeof answer.ids[0], answer.ids.size(), stdout);
  }
  return 0;
}
