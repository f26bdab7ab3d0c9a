#include <limits>

#include "http/answers.h"
#include "http/requests.h"
#include "http/routes.h"

namespace ctt::http {

Result<Reply> ListKeys(const Call& call) {
  return JsonReply(KeyListJson(call.service().keys().List()));
}

Result<Reply> CreateKey(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const service::NewKey wanted, ParseNewKey(call.body));
  const service::Origin origin = call.origin();
  CTT_ASSIGN_OR_RETURN(const service::MadeKey made,
                       call.service().keys().Create(wanted, origin.who, origin.request));
  return JsonReply(MadeKeyJson(made), 201);
}

Result<Reply> RevokeKey(const Call& call) {
  const service::Origin origin = call.origin();
  CTT_ASSIGN_OR_RETURN(const service::KeyInfo key,
                       call.service().keys().Revoke(call.params[0], origin.who, origin.request));
  return JsonReply(KeyJson(key));
}

Result<Reply> AuditLog(const Call& call) {
  constexpr std::int64_t kLimitMax = 1000;
  CTT_ASSIGN_OR_RETURN(const auto after, QueryInteger(call.target, "after", 0,
                                                      std::numeric_limits<std::int64_t>::max()));
  CTT_ASSIGN_OR_RETURN(const auto limit, QueryInteger(call.target, "limit", 1, kLimitMax));
  const auto count = static_cast<std::int32_t>(limit.value_or(100));
  // One more than asked for tells whether a next page exists.
  CTT_ASSIGN_OR_RETURN(auto entries, call.service().Audit(after.value_or(0), count + 1));
  const bool last_page = entries.size() <= static_cast<std::size_t>(count);
  if (!last_page) entries.pop_back();
  return JsonReply(AuditJson(entries, last_page));
}

}  // namespace ctt::http
