#pragma once
// The media types that bodies come in. Pure functions.
#include <cstdint>
#include <string_view>

namespace ctt::http {

enum class MediaType : std::uint8_t { kJson, kNdjson, kCsv, kOther };

// Parameters ("; charset=utf-8") and case are ignored. Absent: kJson.
MediaType ParseMediaType(std::string_view content_type);

}  // namespace ctt::http
