#include "telemetry/trace_context.h"

#include <algorithm>

namespace ctt::telemetry {
namespace {

bool IsHex(std::string_view text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

bool IsId(std::string_view text) {
  return IsHex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

}  // namespace

// VV-TTTTTTTTTTTTTTTTTTTTTTTTTTTTTTTT-PPPPPPPPPPPPPPPP-FF
std::optional<TraceContext> ParseTraceparent(std::string_view header) {
  constexpr std::size_t kSize = 55;
  if (header.size() < kSize || header[2] != '-' || header[35] != '-' || header[52] != '-')
    return std::nullopt;
  const std::string_view version = header.substr(0, 2);
  const std::string_view flags = header.substr(53, 2);
  if (!IsHex(version) || version == "ff" || !IsHex(flags)) return std::nullopt;
  // Version 00 ends here; a later one may go on, behind another dash.
  if (header.size() > kSize && (version == "00" || header[kSize] != '-')) return std::nullopt;
  TraceContext context{std::string(header.substr(3, 32)), std::string(header.substr(36, 16))};
  if (!IsId(context.trace_id) || !IsId(context.parent_id)) return std::nullopt;
  context.sampled = std::string_view("13579bdf").find(flags[1]) != std::string_view::npos;
  return context;
}

}  // namespace ctt::telemetry
