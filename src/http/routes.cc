#include "http/routes.h"

namespace ctt::http {

std::span<const Route> Routes() {
  using enum Method;
  static const Route kRoutes[] = {
      {kGet, "/health", Inline{Health}, Body::kNone, true},
      {kGet, "/livez", Inline{Health}, Body::kNone, true},
      {kGet, "/ready", Inline{Ready}, Body::kNone, true},
      {kGet, "/readyz", Inline{Ready}, Body::kNone, true},
      {kGet, "/metrics", Inline{MetricsText}, Body::kNone, true},
      {kGet, "/version", Inline{Version}, Body::kNone, true},
      {kPost, "/predict", Async{Predict}, Body::kJson},
      {kPost, "/predict/batch", Async{PredictBatch}, Body::kJson},
      {kGet, "/tasks", Inline{ListTaskIds}},
      {kGet, "/model/info", Inline{ModelInfo}},
      {kPost, "/v1/backup", Blocking{Backup}},
      {kGet, "/v1/tasks", Inline{ListTasks}},
      {kPost, "/v1/tasks", Blocking{CreateTask}, Body::kJson},
      {kGet, "/v1/tasks/{task}", Inline{ShowTask}},
      {kPatch, "/v1/tasks/{task}", Blocking{ChangeTask}, Body::kJson},
      {kDelete, "/v1/tasks/{task}", Blocking{DeleteTask}},
      {kPost, "/v1/tasks/{task}/examples", Async{Learn}, Body::kStream},
      {kGet,
       "/v1/tasks/{task}/examples",
       Blocking{PageExamples},
       Body::kNone,
       false,
       1,
       {"after", "limit"}},
      {kDelete, "/v1/tasks/{task}/examples", Async{UnlearnMany}, Body::kJson},
      {kGet, "/v1/tasks/{task}/examples/{id}", Blocking{ShowExample}},
      {kDelete, "/v1/tasks/{task}/examples/{id}", Async{UnlearnOne}},
      {kPost, "/v1/tasks/{task}/purge", Blocking{Purge}},
      {kPost, "/v1/tasks/{task}/verify", Blocking{VerifyTask}},
      {kPost, "/v1/tasks/{task}/predict", Async{PredictTask}, Body::kJson},
      {kPost, "/v1/tasks/{task}/evaluate", Blocking{Evaluate}, Body::kJsonOrRows, false, 8},
      {kGet, "/v1/tasks/{task}/versions", Blocking{ListVersions}},
      {kGet, "/v1/tasks/{task}/aliases/{alias}", Inline{ShowAlias}},
      {kPut, "/v1/tasks/{task}/aliases/{alias}", Blocking{SetAlias}, Body::kJson},
      {kDelete, "/v1/tasks/{task}/aliases/{alias}", Blocking{RemoveAlias}},
  };
  return kRoutes;
}

}  // namespace ctt::http
