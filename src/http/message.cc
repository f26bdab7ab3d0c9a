#include "http/message.h"

namespace ctt::http {

std::string_view MethodName(Method method) {
  constexpr std::string_view kNames[] = {"GET",   "HEAD",   "POST",    "PUT",
                                         "PATCH", "DELETE", "OPTIONS", "OTHER"};
  return kNames[static_cast<std::size_t>(method)];
}

Reply JsonReply(std::string body, int status) {
  return {status, "application/json", std::move(body), {}};
}

}  // namespace ctt::http
