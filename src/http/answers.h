#pragma once
// What the service answers -> JSON text, as api/openapi.yaml describes it. Pure functions.
#include <string>
#include <vector>

#include "base/json_writer.h"
#include "service/service.h"
#include "service/types.h"

namespace ctt::http {

// The shape of POST /predict: labels and probabilities side by side.
std::string PredictJson(const service::PredictAnswer& answer, bool single,
                        double processing_time_ms);
// The shape of POST /v1/tasks/{task}/predict.
std::string TaskPredictJson(const service::PredictAnswer& answer);

// The shape of POST /v1/route.
std::string RouteJson(const service::RouteAnswer& answer);

std::string LearnJson(const service::LearnAnswer& answer);
std::string UnlearnJson(const service::UnlearnAnswer& answer);
std::string BackupJson(const service::BackupAnswer& answer);
std::string PurgeJson(const service::PurgeAnswer& answer);
std::string VerifyJson(const service::VerifyAnswer& answer);
std::string_view RowStateName(service::RowState state);  // "learned", "replaced", "unchanged".

std::string TaskJson(const service::TaskInfo& task);
std::string AliasJson(const service::AliasInfo& alias);
std::string TaskListJson(const std::vector<service::TaskInfo>& tasks);
std::string TaskIdsJson(const std::vector<service::TaskInfo>& tasks);  // The shape of GET /tasks.
std::string VersionsJson(const std::string& task,
                         const std::vector<service::VersionInfo>& versions);
std::string LabelsJson(const std::string& task, const std::vector<service::LabelInfo>& labels);
std::string ExampleJson(const service::ExampleInfo& example);
std::string ExamplePageJson(const service::ExampleInfoPage& page);
// metrics_answer.cc
std::string EvaluationJson(const std::string& task, const service::Evaluation& figures);
std::string KeyJson(const service::KeyInfo& key);
std::string MadeKeyJson(const service::MadeKey& made);  // With the key itself.
std::string KeyListJson(const std::vector<service::KeyInfo>& keys);
std::string AuditJson(const std::vector<service::AuditInfo>& entries, bool last_page);
std::string ModelJson(const service::ModelInfo& model, std::string_view version);

}  // namespace ctt::http
