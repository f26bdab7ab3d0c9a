#pragma once
// TraceContext: which trace a request belongs to, as the header `traceparent` carries it (W3C Trace
// Context, Recommendation of 2021-11-23). Plain values.
#include <optional>
#include <string>
#include <string_view>

namespace ctt::telemetry {

struct TraceContext {
  std::string trace_id;   // 32 lower-case hex digits, not all zero.
  std::string parent_id;  // The caller's span: 16 such digits; empty: the trace begins here.
  bool sampled = false;   // Its spans are wanted.
};

// Nothing for a header that is not valid, which is as if it were not there. Versions above 00 are
// read as 00, as the Recommendation asks.
std::optional<TraceContext> ParseTraceparent(std::string_view header);

}  // namespace ctt::telemetry
