#pragma once
// The route table: every row of the server, in the order of api/openapi.yaml. A row's handler is in
// the file of its subject: probe_routes.cc, predict_routes.cc, desk_routes.cc, task_routes.cc,
// example_routes.cc, dropin_routes.cc, key_routes.cc.
#include <span>

#include "http/route.h"

namespace ctt::http {

std::span<const Route> Routes();

// probe_routes.cc
Result<Reply> Health(const Call& call);
Result<Reply> Ready(const Call& call);
Result<Reply> MetricsText(const Call& call);
Result<Reply> Version(const Call& call);

// predict_routes.cc
void Predict(CallPtr call, Answer answer);
void PredictBatch(CallPtr call, Answer answer);
void PredictTask(CallPtr call, Answer answer);
Result<Reply> Evaluate(const Call& call);
void RouteTexts(CallPtr call, Answer answer);

// desk_routes.cc
Result<Reply> Audit(const Call& call);
Result<Reply> Suggest(const Call& call);

// task_routes.cc
Result<Reply> ListTaskIds(const Call& call);
Result<Reply> ModelInfo(const Call& call);
Result<Reply> Backup(const Call& call);
Result<Reply> ListTasks(const Call& call);
Result<Reply> CreateTask(const Call& call);
Result<Reply> ShowTask(const Call& call);
Result<Reply> ChangeTask(const Call& call);
Result<Reply> DeleteTask(const Call& call);
Result<Reply> ListVersions(const Call& call);
Result<Reply> ShowAlias(const Call& call);
Result<Reply> SetAlias(const Call& call);
Result<Reply> RemoveAlias(const Call& call);

// example_routes.cc
void Learn(CallPtr call, Answer answer);
void DescribeLabels(CallPtr call, Answer answer);
Result<Reply> ListLabels(const Call& call);
Result<Reply> PageExamples(const Call& call);
Result<Reply> ShowExample(const Call& call);
void UnlearnOne(CallPtr call, Answer answer);
void UnlearnMany(CallPtr call, Answer answer);
Result<Reply> Purge(const Call& call);
Result<Reply> VerifyTask(const Call& call);

// dropin_routes.cc
void OpenAiEmbeddings(CallPtr call, Answer answer);
void TeiEmbed(CallPtr call, Answer answer);
void TeiClassify(CallPtr call, Answer answer);
Result<Reply> InferenceServer(const Call& call);
Result<Reply> InferenceLive(const Call& call);
Result<Reply> InferenceReady(const Call& call);
Result<Reply> InferenceModel(const Call& call);
Result<Reply> InferenceModelReady(const Call& call);
void Infer(CallPtr call, Answer answer);

// key_routes.cc
Result<Reply> ListKeys(const Call& call);
Result<Reply> CreateKey(const Call& call);
Result<Reply> RevokeKey(const Call& call);
Result<Reply> AuditLog(const Call& call);

}  // namespace ctt::http
