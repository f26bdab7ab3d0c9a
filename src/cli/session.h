#pragma once
// Session: the product's verbs as a command calls them, over a data directory of its own, or
// through a server (--url). Every call blocks, except that several Learn may be under way.
//
// Errors are those of service::Service; through a server also kUnavailable ("unreachable").
// Threads: one.
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <vector>

#include "base/json.h"
#include "cli/settings.h"
#include "learn/metrics.h"
#include "service/service.h"

namespace ctt::cli {

using LearnFuture = std::future<Result<service::LearnAnswer>>;

class Session {
 public:
  // With settings.url a server's, else the data directory's. kFailedPrecondition ("locked"): a
  // server or another command holds the directory.
  static Result<std::unique_ptr<Session>> Open(const Settings& settings);
  virtual ~Session() = default;

  virtual LearnFuture Learn(const std::string& task, std::vector<service::LearnRow> rows) = 0;
  // Rows that an encoder with this session's encoder_id has seen; a server encodes them again.
  virtual LearnFuture LearnEncoded(const std::string& task,
                                   std::vector<service::EncodedRow> rows) = 0;
  // As service::Service::Export; a server's rows come without features. kUnavailable
  // ("task_changed"): it went on learning meanwhile.
  virtual Status Export(const std::string& task,
                        const std::function<Status(const service::TaskExport&)>& begin,
                        const std::function<Status(service::EncodedRow row)>& visit) = 0;
  virtual Result<service::LearnAnswer> DescribeLabels(
      const std::string& task, const std::vector<service::LabelDescription>& labels) = 0;
  virtual Result<std::vector<service::LabelInfo>> Labels(const std::string& task) = 0;
  // Waits until the task's choices are made for all that it holds.
  virtual Result<service::TaskInfo> Settle(const std::string& task) = 0;
  virtual Result<service::UnlearnAnswer> Unlearn(const std::string& task,
                                                 std::vector<std::string> ids) = 0;
  virtual Result<service::UnlearnAnswer> UnlearnWhere(const std::string& task,
                                                      const service::ExampleFilter& filter) = 0;
  virtual Result<service::PurgeAnswer> Purge(const std::string& task) = 0;
  virtual Result<service::VerifyAnswer> Verify(const std::string& task) = 0;
  virtual Result<service::PredictAnswer> Predict(const std::string& task,
                                                 std::vector<std::string> texts,
                                                 const service::PredictOptions& options) = 0;
  // The task found among those of `group` ("": all).
  virtual Result<service::RouteAnswer> Route(std::vector<std::string> texts,
                                             const std::string& group,
                                             const service::PredictOptions& options) = 0;
  // The JSON text that POST .../evaluate answers.
  virtual Result<std::string> Evaluate(const std::string& task,
                                       const std::vector<service::EvaluateRow>& rows,
                                       const std::vector<std::string>& out_of_scope,
                                       bool adjust_prior) = 0;
  // The answers of the data desk, as GET .../audit and POST .../suggest give them.
  virtual Result<json::object> Audit(const std::string& task, std::int64_t shown_max) = 0;
  virtual Result<json::object> Suggest(const std::string& task,
                                       const std::vector<std::string>& texts,
                                       const service::SuggestOptions& options) = 0;
  virtual Result<std::vector<service::TaskInfo>> ListTasks() = 0;  // Labels may be left out.
  virtual Result<service::TaskInfo> ShowTask(const std::string& task) = 0;
  virtual Result<service::TaskInfo> ChangeTask(const std::string& task,
                                               const service::TaskChange& change) = 0;
  virtual Status DeleteTask(const std::string& task) = 0;
  virtual Result<service::TaskInfo> EditLabels(const std::string& task,
                                               const service::LabelEdit& edit) = 0;
  virtual Result<std::vector<service::VersionInfo>> Versions(const std::string& task) = 0;
  virtual Result<service::TaskInfo> SetAlias(const std::string& task,
                                             const service::AliasChange& change) = 0;
  virtual Status RemoveAlias(const std::string& task, const std::string& alias) = 0;
  virtual Result<service::TaskInfo> SetPublishing(const std::string& task,
                                                  const service::Publishing& publishing) = 0;
  virtual Result<service::ModelInfo> Model() = 0;
  // To the folder that the service was started with.
  virtual Result<service::BackupAnswer> Backup() = 0;
};

// An error that says "locked", with the way through a server added.
Status NameUrl(const Status& status);

service::Location LocationOf(const Settings& settings);
// The service's options as the settings have them. kInvalidArgument: no such engine.
Result<service::ServiceOptions> MakeServiceOptions(const Settings& settings);

// Where the encoder is: settings.model; when that is the default and absent, the same folder beside
// the tree that the program was built in.
std::string ModelFolder(const Settings& settings);

}  // namespace ctt::cli
