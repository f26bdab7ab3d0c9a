#include <array>
#include <ctime>

#include <fmt/format.h>

#include "http/connection.h"

namespace ctt::http {
namespace {

// RFC 9110 section 5.6.7: "Sun, 06 Nov 1994 08:49:37 GMT". Made once a second and thread.
const std::string& HttpDate() {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  thread_local std::time_t made_at = -1;
  thread_local std::string date;
  const std::time_t now = std::time(nullptr);
  if (now == made_at) return date;
  std::tm utc{};
  gmtime_r(&now, &utc);
  date = fmt::format("{}, {:02} {} {:04} {:02}:{:02}:{:02} GMT",
                     kDays[static_cast<std::size_t>(utc.tm_wday)], utc.tm_mday,
                     kMonths[static_cast<std::size_t>(utc.tm_mon)], utc.tm_year + 1900, utc.tm_hour,
                     utc.tm_min, utc.tm_sec);
  made_at = now;
  return date;
}

}  // namespace

std::string HeadBytes(const Reply& reply, std::string_view request_id, std::int64_t body_bytes,
                      const HeadOptions& options) {
  std::string head = fmt::format(
      "HTTP/1.1 {} {}\r\nDate: {}\r\nX-Request-Id: {}\r\nX-Content-Type-Options: nosniff\r\n"
      "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
      "Referrer-Policy: no-referrer\r\nCache-Control: no-store\r\n",
      reply.status, StatusPhrase(reply.status), HttpDate(), request_id);
  if (options.secure) head += "Strict-Transport-Security: max-age=31536000\r\n";
  if (!reply.content_type.empty()) head += fmt::format("Content-Type: {}\r\n", reply.content_type);
  for (const auto& [name, value] : reply.headers) head += fmt::format("{}: {}\r\n", name, value);
  if (body_bytes >= 0 && reply.status != 204)
    head += fmt::format("Content-Length: {}\r\n", body_bytes);
  if (body_bytes < 0 && !options.http_1_0) head += "Transfer-Encoding: chunked\r\n";
  if (options.close) {
    head += "Connection: close\r\n";
  } else if (options.http_1_0) {
    head += "Connection: keep-alive\r\n";
  }
  return head + "\r\n";
}

}  // namespace ctt::http
