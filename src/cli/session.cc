#include "cli/session.h"

#include <filesystem>
#include <utility>

#include "cli/remote_session.h"
#include "http/answers.h"
#include "http/desk_answers.h"
#include "telemetry/log.h"
#include "telemetry/metrics.h"

namespace ctt::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::int64_t kPatientMs = 3'600'000;  // Nobody waits behind a socket.

// What the server would answer.
Result<json::object> ParseAnswer(const std::string& text) {
  CTT_ASSIGN_OR_RETURN(json::value value, ParseJson(text));
  return std::move(value.get_object());
}

using LearnPromise = std::promise<Result<service::LearnAnswer>>;

service::Done<service::LearnAnswer> Keep(std::shared_ptr<LearnPromise> promise) {
  return [promise = std::move(promise)](Result<service::LearnAnswer> answer) {
    promise->set_value(std::move(answer));
  };
}

service::LearnOptions BulkOptions() {
  service::LearnOptions options;
  options.bulk = true;
  return options;
}

// A Service of the command's own, with what must outlive it.
class LocalSession final : public Session {
 public:
  static Result<std::unique_ptr<Session>> Open(const Settings& settings) {
    CTT_ASSIGN_OR_RETURN(service::ServiceOptions options, MakeServiceOptions(settings));
    options.settle_delay_ms = -1;  // Choices are made when a command asks.
    auto session = std::make_unique<LocalSession>();
    CTT_ASSIGN_OR_RETURN(
        session->service_,
        service::Service::Start(options, session->clock_, session->metrics_, session->log_));
    return std::unique_ptr<Session>(std::move(session));
  }

  LearnFuture Learn(const std::string& task, std::vector<service::LearnRow> rows) override {
    auto promise = std::make_shared<LearnPromise>();
    service_->Learn(task, std::move(rows), BulkOptions(), Keep(promise));
    return promise->get_future();
  }
  LearnFuture LearnEncoded(const std::string& task,
                           std::vector<service::EncodedRow> rows) override {
    auto promise = std::make_shared<LearnPromise>();
    service_->LearnEncoded(task, std::move(rows), BulkOptions(), Keep(promise));
    return promise->get_future();
  }
  Status Export(const std::string& task,
                const std::function<Status(const service::TaskExport&)>& begin,
                const std::function<Status(service::EncodedRow row)>& visit) override {
    return service_->Export(task, begin, visit);
  }

  Result<service::LearnAnswer> DescribeLabels(
      const std::string& task, const std::vector<service::LabelDescription>& labels) override {
    return service::Wait<service::LearnAnswer>([&](service::Done<service::LearnAnswer> done) {
      service_->DescribeLabels(task, labels, std::move(done));
    });
  }
  Result<std::vector<service::LabelInfo>> Labels(const std::string& task) override {
    return service_->Labels(task);
  }

  Result<service::TaskInfo> Settle(const std::string& task) override {
    return service_->Settle(task);
  }

  Result<service::UnlearnAnswer> Unlearn(const std::string& task,
                                         std::vector<std::string> ids) override {
    return service::Wait<service::UnlearnAnswer>([&](service::Done<service::UnlearnAnswer> done) {
      service_->Unlearn(task, std::move(ids), std::move(done));
    });
  }

  Result<service::UnlearnAnswer> UnlearnWhere(const std::string& task,
                                              const service::ExampleFilter& filter) override {
    return service::Wait<service::UnlearnAnswer>([&](service::Done<service::UnlearnAnswer> done) {
      service_->UnlearnWhere(task, filter, std::move(done));
    });
  }
  Result<service::PurgeAnswer> Purge(const std::string& task) override {
    return service_->Purge(task);
  }
  Result<service::VerifyAnswer> Verify(const std::string& task) override {
    return service_->Verify(task);
  }

  Result<service::PredictAnswer> Predict(const std::string& task, std::vector<std::string> texts,
                                         const service::PredictOptions& options) override {
    service::PredictOptions patient = options;
    patient.timeout_ms = kPatientMs;
    return service::Wait<service::PredictAnswer>([&](service::Done<service::PredictAnswer> done) {
      service_->Predict(task, std::move(texts), patient, std::move(done));
    });
  }

  Result<service::RouteAnswer> Route(std::vector<std::string> texts, const std::string& group,
                                     const service::PredictOptions& options) override {
    service::PredictOptions patient = options;
    patient.timeout_ms = kPatientMs;
    return service::Wait<service::RouteAnswer>([&](service::Done<service::RouteAnswer> done) {
      service_->Route(std::move(texts), group, service::Caller("local", {}), patient,
                      std::move(done));
    });
  }

  Result<std::string> Evaluate(const std::string& task,
                               const std::vector<service::EvaluateRow>& rows,
                               const std::vector<std::string>& out_of_scope,
                               bool adjust_prior) override {
    CTT_ASSIGN_OR_RETURN(const service::Evaluation figures,
                         service_->Evaluate(task, rows, out_of_scope, adjust_prior));
    return http::EvaluationJson(task, figures);
  }

  Result<json::object> Audit(const std::string& task, std::int64_t shown_max) override {
    CTT_ASSIGN_OR_RETURN(const auto audit,
                         service_->AuditExamples(task, static_cast<std::size_t>(shown_max)));
    return ParseAnswer(http::AuditJson(audit));
  }
  Result<json::object> Suggest(const std::string& task, const std::vector<std::string>& texts,
                               const service::SuggestOptions& options) override {
    CTT_ASSIGN_OR_RETURN(const auto suggestions, service_->Suggest(task, texts, options));
    return ParseAnswer(http::SuggestJson(task, texts, suggestions));
  }

  Result<std::vector<service::TaskInfo>> ListTasks() override { return service_->ListTasks(); }
  Result<service::TaskInfo> ShowTask(const std::string& task) override {
    return service_->ShowTask(task);
  }
  Result<service::TaskInfo> ChangeTask(const std::string& task,
                                       const service::TaskChange& change) override {
    return service_->ChangeTask(task, change);
  }
  Status DeleteTask(const std::string& task) override { return service_->DeleteTask(task); }
  Result<service::TaskInfo> EditLabels(const std::string& task,
                                       const service::LabelEdit& edit) override {
    return service_->EditLabels(task, edit);
  }
  Result<std::vector<service::VersionInfo>> Versions(const std::string& task) override {
    return service_->Versions(task);
  }
  Result<service::TaskInfo> SetAlias(const std::string& task,
                                     const service::AliasChange& change) override {
    return service_->SetAlias(task, change);
  }
  Status RemoveAlias(const std::string& task, const std::string& alias) override {
    return service_->RemoveAlias(task, alias).status();
  }
  Result<service::TaskInfo> SetPublishing(const std::string& task,
                                          const service::Publishing& publishing) override {
    return service_->SetPublishing(task, publishing);
  }
  Result<service::ModelInfo> Model() override { return service_->model(); }
  Result<service::BackupAnswer> Backup() override { return service_->Backup(); }

 private:
  SystemClock clock_;
  telemetry::Metrics metrics_;
  telemetry::Log log_{telemetry::LogLevel::kWarning};
  std::unique_ptr<service::Service> service_;
};

}  // namespace

Result<std::unique_ptr<Session>> Session::Open(const Settings& settings) {
  if (!settings.url.empty()) return OpenRemoteSession(settings);
  auto session = LocalSession::Open(settings);
  if (!session.ok()) return NameUrl(session.status());
  return session;
}

Status NameUrl(const Status& status) {
  if (status.reason() != "locked") return status;
  return {status.code(), "locked",
          status.message() + "; if that is a server, go through it with --url http://ADDRESS:PORT"};
}

service::Location LocationOf(const Settings& settings) {
  return {settings.data, settings.artifacts};
}

Result<service::ServiceOptions> MakeServiceOptions(const Settings& settings) {
  service::ServiceOptions options;
  options.data = LocationOf(settings);
  options.model_folder = ModelFolder(settings);
  options.backup_folder = settings.backups;
  CTT_ASSIGN_OR_RETURN(options.engine, encoder::ParseEngine(settings.engine));
  options.tokens_max = static_cast<std::int32_t>(settings.tokens_max);
  options.threads = static_cast<std::int32_t>(settings.threads);
  options.settle_delay_ms = settings.settle_delay_ms;
  options.limits.text_chars_max = settings.text_chars_max;
  options.limits.queue_tokens_max = settings.queue_tokens_max;
  return options;
}

std::string ModelFolder(const Settings& settings) {
  std::error_code error;
  if (settings.model != Settings().model || fs::exists(settings.model, error))
    return settings.model;
  const fs::path program = fs::read_symlink("/proc/self/exe", error);  // TREE/build/PRESET/ctt.
  const fs::path beside = program.parent_path().parent_path().parent_path() / settings.model;
  return fs::exists(beside, error) ? beside.string() : settings.model;
}

}  // namespace ctt::cli
