// bench_tokenizer MODEL_FOLDER ROUNDS < TEXTS: one text a line is tokenised again and again on one
// thread; a line {"tokens", "seconds"} a round. tokenizer_peer.py runs it beside the reference.
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "text/tokenizer.h"

int main(int argc, char** argv) {
  if (argc != 3) {
    std::fprintf(stderr, "usage: bench_tokenizer MODEL_FOLDER ROUNDS < TEXTS\n");
    return 2;
  }
  const auto tokenizer = ctt::text::Tokenizer::Load(argv[1]);
  if (!tokenizer.ok()) {
    std::fprintf(stderr, "%s\n", tokenizer.status().ToString().c_str());
    return 1;
  }
  std::vector<std::string> texts;
  for (std::string line; std::getline(std::cin, line);) texts.push_back(line);
  constexpr std::int32_t kTokensMax = 256;
  for (int round = std::atoi(argv[2]); round > 0; --round) {
    std::size_t tokens = 0;
    const auto start = std::chrono::steady_clock::now();
    for (const std::string& text : texts) tokens += tokenizer->Encode(text, kTokensMax).ids.size();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    std::printf("{\"tokens\": %zu, \"seconds\": %.6f}\n", tokens, seconds.count());
  }
  return 0;
}
