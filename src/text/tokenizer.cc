#include "text/tokenizer.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "base/file.h"
#include "text/character_table.h"
#include "text/tokenizer_file.h"
#include "text/utf8.h"
#include "text/vocabulary_trie.h"
#include "text/word_buffer.h"

namespace ctt::text {

struct Tokenizer::Tables {
  // REQUIRES: `file` read without error.
  Tables(TokenizerFile file_read, VocabularyTrie trie_built, std::int32_t largest_id)
      : file(std::move(file_read)),
        characters(file.normalizer),
        trie(std::move(trie_built)),
        id_max(largest_id) {
    can_continue = trie.Walk(file.continuation_prefix, continuation);
    // The longest first: of those that begin at one place the reference takes the longest.
    std::sort(file.added_tokens.begin(), file.added_tokens.end(),
              [](const auto& a, const auto& b) { return a.first.size() > b.first.size(); });
    for (const auto& [token, id] : file.added_tokens) {
      begins_added_token[static_cast<std::uint8_t>(token[0])] = true;
    }
    for (char32_t c = 0; c < 0x80; ++c) ascii_letters[c] = AsciiLetter(c);
  }

  // What `c` adds to a word if that is one ASCII character and nothing else happens; 0 otherwise.
  char AsciiLetter(char32_t c) const {
    if (begins_added_token[c]) return 0;
    PieceScratch scratch;
    const std::span<const Piece> pieces = characters.Find(c, scratch);
    const bool plain = pieces.size() == 1 && pieces[0].kind == PieceKind::kLetter &&
                       pieces[0].size == 1 && pieces[0].combining_class == 0;
    return plain ? pieces[0].bytes[0] : '\0';
  }

  TokenizerFile file;  // Its vocabulary is in `trie`, and empty here.
  CharacterTable characters;
  VocabularyTrie trie;
  std::int32_t id_max;
  VocabularyTrie::Node continuation = VocabularyTrie::kRoot;  // Where "##" leads.
  bool can_continue = false;                                  // False: no token begins with "##".
  std::array<bool, 256> begins_added_token{};
  std::array<char, 256> ascii_letters{};
};

namespace {

constexpr std::size_t kSpecialTokens = 2;

std::int32_t LargestId(const TokenizerFile& file) {
  std::int32_t largest = std::max({file.unknown_id, file.first_id, file.last_id});
  for (const auto& [token, id] : file.vocabulary) largest = std::max(largest, id);
  for (const auto& [token, id] : file.added_tokens) largest = std::max(largest, id);
  return largest;
}

}  // namespace

// One Encode: reads the text once, from left to right, and stops when the answer is full.
class Tokenizer::Reader {
 public:
  Reader(const Tables& tables, std::string_view text, std::size_t tokens_max)
      : tables_(tables),
        rest_(text),
        content_max_(tokens_max - kSpecialTokens),
        word_(tables.file.word_chars_max) {}

  TokenIds Read() {
    // A byte makes at most one token, and so the answer never grows past this.
    answer_.ids.reserve(std::min(content_max_, rest_.size()) + kSpecialTokens);
    answer_.ids.push_back(tables_.file.first_id);
    while (!rest_.empty() && !answer_.truncated) {
      if (!ReadAsciiLetters() && !ReadAddedToken()) ReadCharacter();
    }
    EndWord();
    answer_.ids.push_back(tables_.file.last_id);
    return std::move(answer_);
  }

 private:
  bool ReadAsciiLetters() {
    std::size_t read = 0;
    for (; read < rest_.size(); ++read) {
      const char letter = tables_.ascii_letters[static_cast<std::uint8_t>(rest_[read])];
      if (letter == 0) break;
      word_.AppendAscii(letter);
    }
    rest_.remove_prefix(read);
    return read > 0;
  }

  bool ReadAddedToken() {
    if (!tables_.begins_added_token[static_cast<std::uint8_t>(rest_[0])]) return false;
    for (const auto& [token, id] : tables_.file.added_tokens) {
      if (!rest_.starts_with(token)) continue;
      EndWord();
      Emit(id);
      rest_.remove_prefix(token.size());
      return true;
    }
    return false;
  }

  void ReadCharacter() {
    const Decoded decoded = DecodeUtf8(rest_);
    rest_.remove_prefix(decoded.size);
    PieceScratch scratch;
    for (const Piece& piece : tables_.characters.Find(decoded.code_point, scratch)) Add(piece);
  }

  void Add(const Piece& piece) {
    switch (piece.kind) {
      case PieceKind::kLetter:
        word_.Append({piece.bytes, piece.size}, piece.combining_class);
        break;
      case PieceKind::kBarrier:
        word_.EndMarks();
        break;
      case PieceKind::kSpace:
        EndWord();
        break;
      case PieceKind::kAlone:
        EndWord();
        word_.Append({piece.bytes, piece.size}, 0);
        EndWord();
        break;
    }
  }

  // WordPiece: the longest token from the left, again and again; one [UNK] if that does not reach
  // the end of the word, or if the word is too long.
  void EndWord() {
    if (word_.empty()) return;
    std::array<TokenId, kWordCharsLimit> pieces;
    std::size_t count = word_.too_long() ? 0 : Split(word_.bytes(), pieces);
    if (count == 0) pieces[count++] = tables_.file.unknown_id;
    for (std::size_t i = 0; i < count; ++i) Emit(pieces[i]);
    word_.Clear();
  }

  // The tokens of `word`, at most one a character; 0 if there is a part without one.
  std::size_t Split(std::string_view word, std::array<TokenId, kWordCharsLimit>& pieces) const {
    std::size_t count = 0;
    VocabularyTrie::Node from = VocabularyTrie::kRoot;
    for (;;) {
      const VocabularyTrie::Match match = tables_.trie.Longest(from, word);
      if (match.id < 0) return 0;
      pieces[count++] = match.id;
      word.remove_prefix(match.bytes);
      if (word.empty()) return count;
      if (!tables_.can_continue) return 0;
      from = tables_.continuation;
    }
  }

  void Emit(TokenId id) {
    if (answer_.ids.size() <= content_max_) {
      answer_.ids.push_back(id);
    } else {
      answer_.truncated = true;
    }
  }

  const Tables& tables_;
  std::string_view rest_;
  const std::size_t content_max_;
  WordBuffer word_;
  TokenIds answer_;
};

Tokenizer::Tokenizer(std::unique_ptr<const Tables> tables) : tables_(std::move(tables)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::Load(const std::filesystem::path& model_folder) {
  const std::filesystem::path path = model_folder / "tokenizer.json";
  CTT_ASSIGN_OR_RETURN(const std::string bytes, ReadFile(path));
  Result<TokenizerFile> file = ParseTokenizerFile(bytes);
  if (!file.ok()) return file.status().WithContext(path.string());
  const std::int32_t largest_id = LargestId(*file);
  Result<VocabularyTrie> trie = VocabularyTrie::Build(std::move(file->vocabulary));
  if (!trie.ok()) return trie.status().WithContext(path.string());
  return Tokenizer(std::make_unique<const Tables>(std::move(*file), std::move(*trie), largest_id));
}

TokenIds Tokenizer::Encode(std::string_view text, std::int32_t tokens_max) const {
  CTT_CHECK(tokens_max >= static_cast<std::int32_t>(kSpecialTokens));
  return Reader(*tables_, text, static_cast<std::size_t>(tokens_max)).Read();
}

std::int32_t Tokenizer::vocabulary_size() const { return tables_->id_max + 1; }

}  // namespace ctt::text
