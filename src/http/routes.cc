#include "http/routes.h"

namespace ctt::http {

std::span<const Route> Routes() {
  using enum Method;
  using enum service::Scope;
  static const Route kRoutes[] = {
      {kGet, "/health", Inline{Health}, Body::kNone, true},
      {kGet, "/livez", Inline{Health}, Body::kNone, true},
      {kGet, "/ready", Inline{Ready}, Body::kNone, true},
      {kGet, "/readyz", Inline{Ready}, Body::kNone, true},
      Needs(kAdmin, {kGet, "/metrics", Inline{MetricsText}, Body::kNone, true}),
      {kGet, "/version", Inline{Version}, Body::kNone, true},
      Needs(kPredict, {kPost, "/predict", Async{Predict}, Body::kJson}),
      Needs(kPredict, {kPost, "/predict/batch", Async{PredictBatch}, Body::kJson}),
      {kGet, "/tasks", Inline{ListTaskIds}},
      {kGet, "/model/info", Inline{ModelInfo}},
      {kGet, "/v1/tasks", Inline{ListTasks}},
      {kPost, "/v1/tasks", Blocking{CreateTask}, Body::kJson},
      {kGet, "/v1/tasks/{task}", Inline{ShowTask}},
      Needs(kAdmin, {kPatch, "/v1/tasks/{task}", Blocking{ChangeTask}, Body::kJson}),
      Needs(kAdmin, {kDelete, "/v1/tasks/{task}", Blocking{DeleteTask}}),
      {kPost, "/v1/tasks/{task}/examples", Async{Learn}, Body::kStream},
      Needs(kLearn, {kGet,
                     "/v1/tasks/{task}/examples",
                     Blocking{PageExamples},
                     Body::kNone,
                     false,
                     1,
                     {"after", "limit"}}),
      {kDelete, "/v1/tasks/{task}/examples", Async{UnlearnMany}, Body::kJson},
      Needs(kLearn, {kGet, "/v1/tasks/{task}/examples/{id}", Blocking{ShowExample}}),
      {kDelete, "/v1/tasks/{task}/examples/{id}", Async{UnlearnOne}},
      Needs(kPredict, {kPost, "/v1/tasks/{task}/predict", Async{PredictTask}, Body::kJson}),
      Needs(kPredict,
            {kPost, "/v1/tasks/{task}/evaluate", Blocking{Evaluate}, Body::kJsonOrRows, false, 8}),
      Needs(kLearn, {kGet, "/v1/tasks/{task}/labels", Blocking{ListLabels}}),
      {kPost, "/v1/tasks/{task}/labels", Async{DescribeLabels}, Body::kJson},
      Needs(kLearn,
            {kGet, "/v1/tasks/{task}/audit", Blocking{Audit}, Body::kNone, false, 1, {"limit"}}),
      Needs(kPredict,
            {kPost, "/v1/tasks/{task}/suggest", Blocking{Suggest}, Body::kJson, false, 8}),
      Needs(kPredict, {kPost, "/v1/route", Async{RouteTexts}, Body::kJson}),
      {kGet, "/v1/tasks/{task}/versions", Blocking{ListVersions}},
      {kPut, "/v1/tasks/{task}/aliases/live", Blocking{PublishVersion}, Body::kJson},
      Needs(kPredict, {kPost, "/v1/embeddings", Async{OpenAiEmbeddings}, Body::kJson}),
      Needs(kPredict, {kPost, "/embed", Async{TeiEmbed}, Body::kJson}),
      Needs(kPredict, {kPost, "/classify", Async{TeiClassify}, Body::kJson}),
      {kGet, "/v2", Inline{InferenceServer}, Body::kNone, true},
      {kGet, "/v2/health/live", Inline{InferenceLive}, Body::kNone, true},
      {kGet, "/v2/health/ready", Inline{InferenceReady}, Body::kNone, true},
      {kGet, "/v2/models/{model}", Blocking{InferenceModel}},
      {kGet, "/v2/models/{model}/versions/{version}", Blocking{InferenceModel}},
      {kGet, "/v2/models/{model}/ready", Blocking{InferenceModelReady}},
      {kGet, "/v2/models/{model}/versions/{version}/ready", Blocking{InferenceModelReady}},
      Needs(kPredict, {kPost, "/v2/models/{model}/infer", Async{Infer}, Body::kJson}),
      Needs(kPredict,
            {kPost, "/v2/models/{model}/versions/{version}/infer", Async{Infer}, Body::kJson}),
      Needs(kAdmin, {kGet, "/v1/keys", Inline{ListKeys}}),
      Needs(kAdmin, {kPost, "/v1/keys", Blocking{CreateKey}, Body::kJson}),
      Needs(kAdmin, {kDelete, "/v1/keys/{id}", Blocking{RevokeKey}}),
      Needs(kAdmin,
            {kGet, "/v1/audit-log", Blocking{AuditLog}, Body::kNone, false, 1, {"after", "limit"}}),
  };
  return kRoutes;
}

}  // namespace ctt::http
