#include "http/desk_answers.h"
#include "http/requests.h"
#include "http/routes.h"

namespace ctt::http {
namespace {

constexpr std::int64_t kShownDefault = 20;
constexpr std::int64_t kShownMax = 1000;

}  // namespace

Result<Reply> Audit(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const auto limit, QueryInteger(call.target, "limit", 1, kShownMax));
  CTT_ASSIGN_OR_RETURN(
      const auto audit,
      call.service().AuditExamples(call.params[0],
                                   static_cast<std::size_t>(limit.value_or(kShownDefault))));
  return JsonReply(AuditJson(audit));
}

Result<Reply> Suggest(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const SuggestRequest request, ParseSuggest(call.body));
  CTT_ASSIGN_OR_RETURN(const auto suggestions,
                       call.service().Suggest(call.params[0], request.texts, request.options));
  return JsonReply(SuggestJson(call.params[0], request.texts, suggestions));
}

}  // namespace ctt::http
