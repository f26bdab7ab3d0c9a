#include "http/media_type.h"

#include <algorithm>
#include <string>

namespace ctt::http {

MediaType ParseMediaType(std::string_view content_type) {
  const std::string_view bare = content_type.substr(0, content_type.find(';'));
  std::string type;
  for (const char c : bare)
    if (c != ' ' && c != '\t') type += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  if (type.empty() || type == "application/json") return MediaType::kJson;
  if (type == "application/x-ndjson" || type == "application/jsonl" ||
      type == "application/ndjson" || type == "application/x-jsonlines")
    return MediaType::kNdjson;
  return type == "text/csv" ? MediaType::kCsv : MediaType::kOther;
}

}  // namespace ctt::http
