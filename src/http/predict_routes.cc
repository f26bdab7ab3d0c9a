#include "http/answers.h"
#include "http/requests.h"
#include "http/routes.h"

namespace ctt::http {
namespace {

using service::PredictAnswer;
using Render = Result<Reply> (*)(const Call&, const PredictAnswer&);

double Milliseconds(const Call& call) { return static_cast<double>(call.ElapsedMicros()) * 1e-3; }

Result<Reply> RenderOne(const Call& call, const PredictAnswer& answer) {
  return JsonReply(PredictJson(answer, true, Milliseconds(call)));
}

Result<Reply> RenderMany(const Call& call, const PredictAnswer& answer) {
  return JsonReply(PredictJson(answer, false, Milliseconds(call)));
}

Result<Reply> RenderTask(const Call&, const PredictAnswer& answer) {
  return JsonReply(TaskPredictJson(answer));
}

Result<Reply> RenderRoute(const Call&, const service::RouteAnswer& answer) {
  return JsonReply(RouteJson(answer));
}

void Ask(CallPtr call, Result<PredictRequest> request, Render render, Answer answer) {
  if (!request.ok()) return answer(request.status());
  if (const Status status = call->MayName(request->task); !status.ok()) return answer(status);
  const bool explains = request->options.explain || request->options.explain_words;
  if (explains && !call->caller->reads_examples()) {
    return answer(Status(Code::kPermissionDenied, "scope_missing",
                         "an explanation shows stored examples: this key lacks the scope 'learn'"));
  }
  request->options.gone = call->gone;
  request->options.stages = call->stages;
  service::Service& service = call->service();
  if (request->options.key.empty()) request->options.key = call->request_id;
  service.Predict(std::move(request->task), std::move(request->texts), request->options,
                  OnLoop<PredictAnswer>(std::move(call), std::move(answer), render));
}

}  // namespace

void Predict(CallPtr call, Answer answer) {
  auto request = ParsePredict(call->body, call->server.options.texts_max);
  const bool single = request.ok() && request->single;
  Ask(std::move(call), std::move(request), single ? RenderOne : RenderMany, std::move(answer));
}

void PredictBatch(CallPtr call, Answer answer) {
  auto request = ParsePredictBatch(call->body, call->server.options.texts_max);
  Ask(std::move(call), std::move(request), RenderMany, std::move(answer));
}

void PredictTask(CallPtr call, Answer answer) {
  auto request = ParsePredictTask(call->params[0], call->body, call->server.options.texts_max);
  Ask(std::move(call), std::move(request), RenderTask, std::move(answer));
}

void RouteTexts(CallPtr call, Answer answer) {
  auto request = ParseRoute(call->body, call->server.options.texts_max);
  if (!request.ok()) return answer(request.status());
  service::Service& service = call->service();
  PredictRequest& predict = request->predict;
  const service::Caller caller = *call->caller;
  predict.options.gone = call->gone;
  predict.options.stages = call->stages;
  service.Route(std::move(predict.texts), request->group, caller, predict.options,
                OnLoop<service::RouteAnswer>(std::move(call), std::move(answer), RenderRoute));
}

Result<Reply> Evaluate(const Call& call) {
  CTT_ASSIGN_OR_RETURN(const EvaluateRequest request, call.media == MediaType::kNdjson
                                                          ? ParseEvaluateLines(call.body)
                                                          : ParseEvaluate(call.body));
  CTT_ASSIGN_OR_RETURN(const service::Evaluation figures,
                       call.service().Evaluate(call.params[0], request.rows, request.out_of_scope,
                                               request.adjust_prior));
  return JsonReply(EvaluationJson(call.params[0], figures));
}

}  // namespace ctt::http
