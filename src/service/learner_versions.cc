// Which version serves: the learner's commands about aliases, and what it does with a version that
// nobody asked for; see learner.h and task_settings.h.
#include <utility>

#include "service/learner.h"
#include "service/learner_group.h"
#include "service/report.h"

namespace ctt::service {
namespace {

constexpr std::string_view kAliases[] = {kLiveAlias, kPreviousAlias, kCanaryAlias, kShadowAlias};

std::int64_t VersionOf(const TaskLedger& ledger, std::string_view alias) {
  if (alias == kLiveAlias) return ledger.live_version;
  if (alias == kPreviousAlias) return ledger.previous_version;
  return alias == kCanaryAlias ? ledger.canary.number : ledger.shadow.number;
}

// "banking version 7", "banking canary version 7", "banking previous version".
std::string SubjectOf(const std::string& task, const AliasChange& change) {
  const std::string alias = change.alias == kLiveAlias ? "" : " " + change.alias;
  if (!change.version) return task + alias + " " + change.version_alias + " version";
  return task + alias + " version " + std::to_string(*change.version);
}

Status CheckAlias(std::string_view alias) {
  for (const std::string_view known : kAliases)
    if (alias == known) return Status::Ok();
  return {Code::kNotFound, "alias_not_found",
          "no alias '" + std::string(alias.substr(0, 200)) +
              "'; there are 'live', 'previous', 'canary' and 'shadow'"};
}

Status CheckChange(const TaskLedger& ledger, const AliasChange& change) {
  CTT_RETURN_IF_ERROR(CheckAlias(change.alias));
  if (change.alias == kPreviousAlias) {
    return {Code::kFailedPrecondition, "alias_read_only",
            "'previous' follows 'live'; publish to 'live' instead"};
  }
  const bool shared = change.share > 0 && change.share <= 1;
  if (change.alias == kCanaryAlias ? !shared : change.share != 0) {
    return {Code::kInvalidArgument, "bad_share",
            "'share' is for 'canary', which needs one: more than 0, at most 1"};
  }
  const std::int64_t at = VersionOf(ledger, change.alias);
  if (!change.must_be_at || *change.must_be_at == at) return Status::Ok();
  return {Code::kFailedPrecondition, "alias_moved",
          "'" + change.alias + "' names " +
              (at == 0 ? "no version" : "version " + std::to_string(at)) + " by now"};
}

}  // namespace

void Learner::SetAlias(std::string task, AliasChange change, Done<bool> done,
                       const Origin& origin) {
  AuditNote note{origin, change.alias == kLiveAlias ? "publish" : "set_alias", task,
                 SubjectOf(task, change)};
  PostAlone(
      [this, task = std::move(task), change = std::move(change)](Group& group) -> Status {
        CTT_ASSIGN_OR_RETURN(TaskLedger * ledger, Find(task));
        CTT_RETURN_IF_ERROR(CheckChange(*ledger, change));
        return ApplyAliasChange(group, *ledger, change);
      },
      std::move(done), std::move(note));
}

Result<store::Version> Learner::FindToServe(const TaskLedger& ledger,
                                            const AliasChange& change) const {
  std::int64_t number = change.version.value_or(0);
  std::string wanted = "version " + std::to_string(number);
  if (!change.version_alias.empty()) {
    CTT_RETURN_IF_ERROR(CheckAlias(change.version_alias));
    number = VersionOf(ledger, change.version_alias);
    wanted = "'" + change.version_alias + "' version";
  }
  CTT_ASSIGN_OR_RETURN(const auto version, stores_.log.FindVersion(ledger.record.id, number));
  if (version && version->examples > 0) return *version;
  return Status(Code::kNotFound, "version_not_found",
                "task '" + ledger.record.name + "' has no " + wanted + " to serve");
}

Status Learner::ApplyAliasChange(Group& group, TaskLedger& ledger, const AliasChange& change) {
  CTT_ASSIGN_OR_RETURN(const store::Version version, FindToServe(ledger, change));
  CTT_ASSIGN_OR_RETURN(auto head, LoadHead(stores_, ledger.record.id, version, feature_dim_));
  CTT_ASSIGN_OR_RETURN(auto rates, LoadRates(stores_.log, ledger.record.id, version));
  group.known.insert(ledger.record.id);
  TaskSettings settings = ledger.task_settings;
  const bool live = change.alias == kLiveAlias;
  if (live) {
    CTT_RETURN_IF_ERROR(group.Keep(MakeLive(group, ledger, version.number)));
    settings.pinned = version.number != ledger.last_version;
  } else {
    CTT_RETURN_IF_ERROR(
        group.Keep(group.transaction->SetAlias(ledger.record.id, change.alias, version.number)));
    (change.alias == kCanaryAlias ? ledger.canary : ledger.shadow) = {version.number, head, rates};
    if (change.alias == kCanaryAlias) settings.canary_share = change.share;
  }
  CTT_RETURN_IF_ERROR(group.Keep(PutTaskSettings(group, ledger, settings)));
  std::shared_ptr<ServedTask> entry = Candidate(group, ledger);
  if (live) SetHead(*entry, version, std::move(head), std::move(rates));
  group.served[ledger.record.id] = std::move(entry);
  return Status::Ok();
}

void Learner::RemoveAlias(std::string task, std::string alias, Done<bool> done,
                          const Origin& origin) {
  AuditNote note{origin, "remove_alias", task, task + " " + alias};
  PostAlone(
      [this, task = std::move(task), alias = std::move(alias)](Group& group) -> Status {
        CTT_ASSIGN_OR_RETURN(TaskLedger * ledger, Find(task));
        CTT_RETURN_IF_ERROR(CheckAlias(alias));
        if (alias == kLiveAlias || alias == kPreviousAlias) {
          return {Code::kFailedPrecondition, "alias_read_only",
                  "'" + alias + "' can be moved, not removed"};
        }
        group.known.insert(ledger->record.id);
        CTT_RETURN_IF_ERROR(group.Keep(group.transaction->RemoveAlias(ledger->record.id, alias)));
        (alias == kCanaryAlias ? ledger->canary : ledger->shadow) = {};
        group.served[ledger->record.id] = Candidate(group, *ledger);
        return Status::Ok();
      },
      std::move(done), std::move(note));
}

void Learner::SetPublishing(std::string task, Publishing publishing, Done<bool> done,
                            const Origin& origin) {
  AuditNote note{origin, "set_publishing", task};
  PostAlone(
      [this, task = std::move(task), publishing](Group& group) -> Status {
        CTT_ASSIGN_OR_RETURN(TaskLedger * ledger, Find(task));
        TaskSettings settings = ledger->task_settings;
        settings.auto_publish = publishing.automatic;
        settings.max_accuracy_fall = publishing.max_accuracy_fall;
        group.known.insert(ledger->record.id);
        CTT_RETURN_IF_ERROR(group.Keep(PutTaskSettings(group, *ledger, settings)));
        group.served[ledger->record.id] = Candidate(group, *ledger);
        return Status::Ok();
      },
      std::move(done), std::move(note));
}

Status Learner::PutTaskSettings(Group& group, TaskLedger& ledger, const TaskSettings& settings) {
  std::string text = TaskSettingsJson(settings);
  if (text == ledger.record.settings) return Status::Ok();
  CTT_RETURN_IF_ERROR(group.transaction->SetTaskSettings(ledger.record.id, text));
  ledger.task_settings = settings;
  ledger.record.settings = std::move(text);
  return Status::Ok();
}

Status Learner::MakeLive(Group& group, TaskLedger& ledger, std::int64_t version) {
  if (version == ledger.live_version) return Status::Ok();
  const store::TaskId task = ledger.record.id;
  CTT_RETURN_IF_ERROR(group.transaction->SetAlias(task, kLiveAlias, version));
  if (ledger.live_version > 0) {
    CTT_RETURN_IF_ERROR(group.transaction->SetAlias(task, kPreviousAlias, ledger.live_version));
    ledger.previous_version = ledger.live_version;
  }
  ledger.live_version = version;
  return Status::Ok();
}

// Writes a new version, live or a candidate, and what the catalog shows then.
Status Learner::PutVersion(Group& group, TaskLedger& ledger, const store::Version& version,
                           ServedVersion served, bool publish) {
  CTT_RETURN_IF_ERROR(group.transaction->PutVersion(ledger.record.id, version));
  ledger.last_version = version.number;
  if (publish) CTT_RETURN_IF_ERROR(MakeLive(group, ledger, version.number));
  std::shared_ptr<ServedTask> entry = Candidate(group, ledger);
  if (publish) SetHead(*entry, version, std::move(served.head), std::move(served.rates));
  group.served[ledger.record.id] = std::move(entry);
  return Status::Ok();
}

// Nothing of a task that holds nothing may go on answering; and where a gate compares accuracies,
// the first version has nothing to be compared with.
bool Learner::PublishesLessons(const TaskLedger& ledger, std::int64_t examples) const {
  if (examples == 0) return true;
  if (!ledger.task_settings.auto_publish) return false;
  return !ledger.task_settings.max_accuracy_fall || ledger.live_version == 0;
}

Result<std::optional<store::Version>> Learner::LastSettled(const TaskLedger& ledger) const {
  CTT_ASSIGN_OR_RETURN(const auto number, stores_.log.Alias(ledger.record.id, kSettledAlias));
  if (!number) return std::optional<store::Version>();
  return stores_.log.FindVersion(ledger.record.id, *number);
}

// Against what is served, or when that knows no accuracy, the settled version before.
Result<bool> Learner::PassesGate(const TaskLedger& ledger, const learn::Report& report) const {
  if (!ledger.task_settings.max_accuracy_fall) return true;
  CTT_ASSIGN_OR_RETURN(auto before, stores_.log.FindVersion(ledger.record.id, ledger.live_version));
  if (!before || !AccuracyOf(before->report)) {
    CTT_ASSIGN_OR_RETURN(before, LastSettled(ledger));
  }
  const std::optional<double> was = before ? AccuracyOf(before->report) : std::nullopt;
  return !was || AccuracyOf(report) >= *was - *ledger.task_settings.max_accuracy_fall;
}

// The artefacts are durable before the row that names them; a crash between leaves only files that
// nothing names. Overtaken by lessons, the settled version is history at once: the task is solved
// on top of it with the new choices, and settled again later.
Status Learner::AdoptSettled(Group& group, TaskLedger& ledger, store::Seq watermark,
                             learn::Settled& settled, bool& published) {
  // Another process may have settled the same set meanwhile.
  published = ledger.settled && ledger.last_seq == watermark;
  if (published) return Status::Ok();
  published =
      ledger.last_seq == watermark && settled.head.settings().prior == ledger.task_settings.prior;
  CTT_RETURN_IF_ERROR(LoadStatistics(ledger));
  CTT_ASSIGN_OR_RETURN(const Digest head_digest, stores_.artifacts.Put(settled.head.Serialize()));
  CTT_ASSIGN_OR_RETURN(const auto before, LastSettled(ledger));
  CTT_ASSIGN_OR_RETURN(const bool passes, PassesGate(ledger, settled.report));
  store::Version version;
  version.number = ledger.last_version + 1;
  version.watermark = watermark;
  version.settled = true;
  version.settings = learn::SerializeSettings(settled.head.settings());
  version.head_digest = ToHex(head_digest);
  version.has_artifact = true;
  version.examples = settled.head.example_count();
  version.report = SettledReport(settled.report, settled.rates, before ? &*before : nullptr);
  version.created_us = clock_.UnixMicros();

  const TaskSettings& settings = ledger.task_settings;
  const bool wanted = published && settings.auto_publish && !settings.pinned;
  if (wanted && !passes) {
    version.report = RefusedReport(version.report, *settings.max_accuracy_fall);
    metrics_.CountPublishRefused(ledger.record.name);
    stores_.events.Write(telemetry::LogLevel::kWarning, "publish_refused",
                         {{"task", std::string_view(ledger.record.name)},
                          {"version", version.number},
                          {"loo_accuracy", AccuracyOf(settled.report)}});
  }
  group.known.insert(ledger.record.id);
  ledger.settings = settled.head.settings();
  ledger.settled = published;
  ledger.settled_version = version.number;
  ledger.rates = std::make_shared<const learn::Rates>(std::move(settled.rates));
  const auto adopt = [&]() -> Status {
    CTT_RETURN_IF_ERROR(
        PutVersion(group, ledger, version,
                   {version.number, std::make_shared<const learn::Head>(std::move(settled.head)),
                    ledger.rates},
                   wanted && passes));
    CTT_RETURN_IF_ERROR(
        group.transaction->SetAlias(ledger.record.id, kSettledAlias, version.number));
    if (!published) {
      if (ledger.statistics->example_count() > 0) group.solve.insert(ledger.record.id);
      return Status::Ok();
    }
    return PutSums(group, ledger);
  };
  return group.Keep(adopt());
}

}  // namespace ctt::service
