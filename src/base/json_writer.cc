#include "base/json_writer.h"

#include <charconv>
#include <cmath>

namespace ctt {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";  // U+FFFD.

// How the bytes at `at` begin: `length` of them, a whole well-formed sequence or a broken part of
// one. The bounds of the second byte are Unicode table 3-7.
struct Piece {
  std::size_t length = 1;
  bool whole = false;
};

Piece NextPiece(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(at);
  if (lead < 0x80) return {1, true};
  if (lead < 0xC2 || lead > 0xF4) return {};
  const std::size_t size = lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  unsigned low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  unsigned high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  for (std::size_t i = 1; i < size; ++i, low = 0x80, high = 0xBF)
    if (byte(at + i) < low || byte(at + i) > high) return {i, false};
  return {size, true};
}

void AppendEscape(std::string& json, char c) {
  static constexpr char kDigits[] = "0123456789abcdef";
  switch (c) {
    case '"':
      json += "\\\"";
      return;
    case '\\':
      json += "\\\\";
      return;
    case '\n':
      json += "\\n";
      return;
    case '\r':
      json += "\\r";
      return;
    case '\t':
      json += "\\t";
      return;
    default:
      break;
  }
  json += "\\u00";
  json += kDigits[(c >> 4) & 15];
  json += kDigits[c & 15];
}

bool IsPlain(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte >= 0x20 && byte < 0x7F && c != '"' && c != '\\';
}

}  // namespace

void AppendJsonString(std::string& json, std::string_view text) {
  json += '"';
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t start = at;
    while (at < text.size() && IsPlain(text[at])) ++at;
    json.append(text, start, at - start);
    if (at == text.size()) break;
    const Piece piece = NextPiece(text, at);
    if (piece.length == 1 && piece.whole) {
      AppendEscape(json, text[at]);
    } else {
      json.append(piece.whole ? text.substr(at, piece.length) : kReplacement);
    }
    at += piece.length;
  }
  json += '"';
}

void JsonWriter::Separate() {
  if (comma_) json_ += ',';
  comma_ = true;
}

JsonWriter& JsonWriter::Open(char bracket) {
  Separate();
  json_ += bracket;
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::Close(char bracket) {
  json_ += bracket;
  comma_ = true;
  return *this;
}

JsonWriter& JsonWriter::Key(std::string_view name) {
  Separate();
  AppendJsonString(json_, name);
  json_ += ':';
  comma_ = false;
  return *this;
}

JsonWriter& JsonWriter::String(std::string_view text) {
  Separate();
  AppendJsonString(json_, text);
  return *this;
}

JsonWriter& JsonWriter::Strings(const std::vector<std::string>& strings) {
  BeginArray();
  for (const std::string& string : strings) String(string);
  return EndArray();
}

JsonWriter& JsonWriter::Integer(std::int64_t number) {
  char digits[24];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  return Raw({digits, static_cast<std::size_t>(end - digits)});
}

template <typename Real>
JsonWriter& JsonWriter::AnyNumber(Real number) {
  if (!std::isfinite(number)) return Null();
  char digits[32];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  return Raw({digits, static_cast<std::size_t>(end - digits)});
}

JsonWriter& JsonWriter::Number(double number) { return AnyNumber(number); }

JsonWriter& JsonWriter::Float(float number) { return AnyNumber(number); }

JsonWriter& JsonWriter::Bool(bool truth) { return Raw(truth ? "true" : "false"); }

JsonWriter& JsonWriter::Raw(std::string_view json) {
  Separate();
  json_ += json;
  return *this;
}

}  // namespace ctt
