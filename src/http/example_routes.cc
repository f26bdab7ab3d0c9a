#include <algorithm>
#include <limits>

#include "http/answers.h"
#include "http/cell_format.h"
#include "http/requests.h"
#include "http/routes.h"

namespace ctt::http {
namespace {

using telemetry::Stage;

constexpr std::int64_t kPageDefault = 100;
constexpr std::int64_t kPageMax = 1000;
constexpr std::size_t kKeyCharsMax = 200;

Status CheckIdempotencyKey(const std::optional<std::string>& key) {
  const auto visible = [](char c) { return c >= '!' && c <= '~'; };
  const bool good = !key || (!key->empty() && key->size() <= kKeyCharsMax &&
                             std::all_of(key->begin(), key->end(), visible));
  if (good) return Status::Ok();
  return {Code::kInvalidArgument, "bad_idempotency_key",
          "Idempotency-Key must be 1 to 200 visible ASCII characters"};
}

Result<Reply> RenderLearned(const Call&, const service::LearnAnswer& answer) {
  return JsonReply(LearnJson(answer));
}

Result<Reply> RenderUnlearned(const Call&, const service::UnlearnAnswer& answer) {
  return JsonReply(UnlearnJson(answer));
}

void Unlearn(CallPtr call, std::vector<std::string> ids, Answer answer) {
  service::Service& service = call->service();
  const std::string task = call->params[0];
  const service::Origin origin = call->origin();
  service.Unlearn(task, std::move(ids),
                  OnLoop<service::UnlearnAnswer>(std::move(call), std::move(answer),
                                                 RenderUnlearned, Stage::kLearn),
                  origin);
}

}  // namespace

void Learn(CallPtr call, Answer answer) {
  const Status key = CheckIdempotencyKey(call->head.idempotency_key);
  if (!key.ok()) return answer(key);
  if (const auto format = CellFormatOf(*call); !format.ok()) return answer(format.status());
  auto rows = ParseLearn(call->body);
  if (!rows.ok()) return answer(rows.status());
  service::Service& service = call->service();
  service::LearnOptions options;
  options.idempotency_key = call->head.idempotency_key.value_or("");
  options.origin = call->origin();
  options.stages = call->stages;
  const std::string task = call->params[0];
  service.Learn(task, *std::move(rows), options,
                OnLoop<service::LearnAnswer>(std::move(call), std::move(answer), RenderLearned,
                                             Stage::kLearn));
}

void DescribeLabels(CallPtr call, Answer answer) {
  const auto labels = ParseLabels(call->body);
  if (!labels.ok()) return answer(labels.status());
  service::Service& service = call->service();
  const std::string task = call->params[0];
  const service::Origin origin = call->origin();
  service.DescribeLabels(task, *labels,
                         OnLoop<service::LearnAnswer>(std::move(call), std::move(answer),
                                                      RenderLearned, Stage::kLearn),
                         origin);
}

Result<Reply> ListLabels(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const auto labels, call.service().Labels(call.params[0]));
  return JsonReply(LabelsJson(call.params[0], labels));
}

Result<Reply> PageExamples(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const auto after, QueryInteger(call.target, "after", 0,
                                                      std::numeric_limits<std::int64_t>::max()));
  CTT_ASSIGN_OR_RETURN(const auto limit, QueryInteger(call.target, "limit", 1, kPageMax));
  CTT_ASSIGN_OR_RETURN(
      const auto page,
      call.service().PageExamples(call.params[0], after.value_or(0),
                                  static_cast<std::int32_t>(limit.value_or(kPageDefault))));
  return JsonReply(ExamplePageJson(page));
}

Result<Reply> ShowExample(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const auto example,
                       call.service().FindExample(call.params[0], call.params[1]));
  return JsonReply(ExampleJson(example));
}

void UnlearnOne(CallPtr call, Answer answer) {
  std::vector<std::string> ids = {call->params[1]};
  Unlearn(std::move(call), std::move(ids), std::move(answer));
}

void UnlearnMany(CallPtr call, Answer answer) {
  auto request = ParseUnlearn(call->body);
  if (!request.ok()) return answer(request.status());
  if (!request->filter) return Unlearn(std::move(call), std::move(request->ids), std::move(answer));
  service::Service& service = call->service();
  const std::string task = call->params[0];
  const service::Origin origin = call->origin();
  service.UnlearnWhere(task, *std::move(request->filter),
                       OnLoop<service::UnlearnAnswer>(std::move(call), std::move(answer),
                                                      RenderUnlearned, Stage::kLearn),
                       origin);
}

Result<Reply> Purge(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const auto answer, call.service().Purge(call.params[0], call.origin()));
  return JsonReply(PurgeJson(answer));
}

Result<Reply> VerifyTask(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const auto answer, call.service().Verify(call.params[0]));
  return JsonReply(VerifyJson(answer));
}

}  // namespace ctt::http
