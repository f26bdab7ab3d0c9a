#include "service/learner.h"

#include <algorithm>
#include <utility>

#include "base/nearest.h"
#include "base/thread.h"
#include "service/learner_group.h"
#include "service/report.h"

namespace ctt::service {
namespace {

// Sums of this many tasks stay in memory (1.2 MB each and more with labels); the others come back
// from their checkpoint and the log when a lesson needs them.
constexpr std::size_t kHotSumsMax = 64;
// Commands that one commit takes at most: bounds the time to the first answer.
constexpr std::size_t kGroupCommandsMax = 256;

}  // namespace

Learner::Learner(Stores stores, Catalog& catalog, std::int32_t feature_dim, std::int64_t labels_max,
                 const Clock& clock, telemetry::Metrics& metrics, Unsettled unsettled)
    : stores_(stores),
      catalog_(catalog),
      feature_dim_(feature_dim),
      labels_max_(labels_max),
      clock_(clock),
      metrics_(metrics),
      unsettled_(std::move(unsettled)),
      thread_([this] { Run(); }) {}

Learner::~Learner() {
  inbox_.With([](Inbox& inbox) { inbox.stopping = true; });
  inbox_.NotifyAll();
  thread_.join();
}

void Learner::Follow() {
  const bool news = inbox_.With([](Inbox& inbox) { return !std::exchange(inbox.follow, true); });
  if (news) inbox_.NotifyOne();
}

void Learner::Post(Command command) {
  if (command.tasks.empty() && command.note != nullptr && !command.note->task.empty())
    command.tasks.push_back(command.note->task);
  const bool accepted = inbox_.With([&](Inbox& inbox) {
    if (inbox.stopping) return false;
    inbox.commands.push_back(std::move(command));
    return true;
  });
  if (!accepted) return command.finish({Code::kUnavailable, "the service is stopping"});
  inbox_.NotifyOne();
}

void Learner::PostAlone(std::function<Status(Group&)> apply, Done<bool> done, AuditNote note,
                        std::vector<std::string> tasks) {
  Command command;
  command.tasks = std::move(tasks);
  command.alone = true;
  command.note = std::make_shared<AuditNote>(std::move(note));
  command.apply = std::move(apply);
  command.finish = [done = std::move(done)](const Status& status) {
    if (!status.ok()) return done(status);
    done(true);
  };
  Post(std::move(command));
}

void Learner::Run() {
  NameThread("ctt-learn");
  YieldToAnswers();
  for (;;) {
    bool follow = false;
    std::vector<Command> commands = inbox_.Await(
        [](const Inbox& inbox) {
          return inbox.stopping || inbox.follow || !inbox.commands.empty();
        },
        [&](Inbox& inbox) {
          follow = std::exchange(inbox.follow, false);
          std::vector<Command> taken;
          while (!inbox.commands.empty() && taken.size() < kGroupCommandsMax) {
            // A command that stands alone ends the group before it and is one itself.
            if (inbox.commands.front().alone && !taken.empty()) break;
            taken.push_back(std::move(inbox.commands.front()));
            inbox.commands.pop_front();
            if (taken.back().alone) break;
          }
          return taken;
        });
    if (commands.empty() && !follow) return;
    if (!commands.empty()) Apply(std::move(commands));
    if (follow) FollowLog();
  }
}

void Learner::Apply(std::vector<Command> commands) {
  const std::int64_t start_us = clock_.SteadyMicros();
  Group group;
  std::vector<Status> outcomes(commands.size());
  Result<std::unique_ptr<store::Transaction>> begun = stores_.log.Begin();
  Status status = begun.status();
  if (status.ok()) {
    group.transaction = *std::move(begun);
    status = LockTasks(group, commands);
  }
  if (status.ok()) {
    for (std::size_t i = 0; i < commands.size() && group.broken.ok(); ++i)
      outcomes[i] = ApplyTo(group, commands[i]);
    status = group.broken;
  }
  if (status.ok()) status = Solve(group);
  for (std::size_t i = 0; i < commands.size() && status.ok(); ++i)
    if (outcomes[i].ok() && commands[i].seal) status = commands[i].seal(group);
  for (std::size_t i = 0; i < commands.size() && status.ok(); ++i)
    if (outcomes[i].ok() && commands[i].note) status = WriteAudit(group, *commands[i].note);
  if (status.ok()) status = group.transaction->Commit();
  group.transaction.reset();
  if (status.ok()) {
    Publish(group);
    ShowBehind(group);
    if (!group.solve.empty())
      metrics_.ObserveHeadPublish(static_cast<double>(clock_.SteadyMicros() - start_us) * 1e-6);
  } else {
    stores_.events.Write(telemetry::LogLevel::kError, "commit_failed_nothing_kept",
                         {{"why", std::string_view(status.message())}});
    Forget(group);
  }
  for (std::size_t i = 0; i < commands.size(); ++i)
    commands[i].finish(status.ok() ? outcomes[i] : status);
  for (const store::TaskId task : group.solve)
    if (status.ok() && group.served[task]->examples > 0) unsettled_(task, false);
  DropColdSums();
}

Status Learner::Solve(Group& group) {
  for (const store::TaskId task : group.solve)
    CTT_RETURN_IF_ERROR(SolveTask(group, ledgers_.at(task)));
  return Status::Ok();
}

// A new version with the settings last chosen. Without examples it is a version that serves
// nothing.
Status Learner::SolveTask(Group& group, TaskLedger& ledger) {
  const learn::Statistics& statistics = *ledger.statistics;
  std::shared_ptr<const learn::Head> served;
  std::shared_ptr<const learn::Rates> rates;
  store::Version version;
  version.number = ledger.last_version + 1;
  version.watermark = ledger.last_seq;
  version.examples = statistics.example_count();
  const auto report = group.reports.find(ledger.record.id);
  version.report = report == group.reports.end()
                       ? LessonReport(version.examples, ledger.settled_version)
                       : report->second;
  version.created_us = clock_.UnixMicros();
  if (statistics.example_count() > 0) {
    learn::Settings settings = ledger.settings.value_or(learn::StartingSettings(statistics));
    settings.prior = ledger.task_settings.prior;
    rates = ledger.rates;
    Result<learn::Head> head = learn::Solve(statistics, settings);
    if (!head.ok() && ledger.settings) {
      // Settings chosen for an earlier, larger set can be too weak a ridge for this one.
      settings = learn::StartingSettings(statistics);
      settings.prior = ledger.task_settings.prior;
      head = learn::Solve(statistics, settings);
      version.report = LessonReport(version.examples, 0);
      rates = nullptr;
    }
    CTT_RETURN_IF_ERROR(head.status());
    version.settings = learn::SerializeSettings(settings);
    version.head_digest = ToHex(head->ContentDigest());
    served = std::make_shared<const learn::Head>(*std::move(head));
  }
  ledger.settled = false;
  if (ledger.task_settings.pinned) {  // Who rolled back stays there until the next lesson: this.
    TaskSettings settings = ledger.task_settings;
    settings.pinned = false;
    CTT_RETURN_IF_ERROR(PutTaskSettings(group, ledger, settings));
  }
  return PutVersion(group, ledger, version, {version.number, std::move(served), std::move(rates)},
                    PublishesLessons(ledger, version.examples));
}

// Makes the sums of the ledger the checkpoint that later starts begin from.
Status Learner::PutSums(Group& group, const TaskLedger& ledger) {
  CTT_ASSIGN_OR_RETURN(const Digest digest, stores_.artifacts.Put(ledger.statistics->Serialize()));
  return group.transaction->PutCheckpoint(ledger.record.id, {ledger.last_seq, ToHex(digest)});
}

// Before: what the catalog serves until the commit. After: what this group publishes.
Status Learner::WriteAudit(Group& group, const AuditNote& note) {
  if (!note.written) return Status::Ok();
  store::AuditEntry entry;
  entry.time_us = clock_.UnixMicros();
  entry.who = note.origin.who;
  entry.request = note.origin.request;
  entry.action = note.action;
  entry.subject = note.subject.empty() ? note.task : note.subject;
  entry.rows = note.rows;
  const auto served = catalog_.Find(note.task);
  if (served.ok()) entry.digest_before = entry.digest_after = (*served)->head_digest;
  const auto id = ids_.find(note.task);
  const auto caught_up = id == ids_.end() ? group.behind.end() : group.behind.find(id->second);
  if (caught_up != group.behind.end()) entry.digest_before = entry.digest_after = caught_up->second;
  const auto after = id == ids_.end() ? group.served.end() : group.served.find(id->second);
  if (after != group.served.end()) entry.digest_after = after->second->head_digest;
  for (const std::string& name : group.removed)
    if (name == note.task && after == group.served.end()) entry.digest_after.clear();
  return group.transaction->AppendAudit(entry);
}

void Learner::Publish(const Group& group) {
  for (const std::string& name : group.removed) {
    catalog_.Remove(name);
    ids_.erase(name);
  }
  for (const store::TaskId task : group.deleted) ledgers_.erase(task);
  for (const auto& [id, served] : group.served) {
    ids_[served->name] = id;
    catalog_.Put(served);
  }
  if (group.purged != 0) RefreshAliases(group);
  metrics_.SetTasks(catalog_.size());
}

// A purge takes aliases away whose versions cannot be served any more.
void Learner::RefreshAliases(const Group& group) {
  TaskLedger& ledger = ledgers_.at(group.purged);
  const auto aliases = stores_.log.Aliases(group.purged);
  const auto gone = [&](std::string_view alias) {
    return aliases.ok() && !aliases->contains(std::string(alias));
  };
  if (gone(kPreviousAlias)) ledger.previous_version = 0;
  if (gone(kCanaryAlias)) ledger.canary = {};
  if (gone(kShadowAlias)) ledger.shadow = {};
  catalog_.Put(Candidate(group, ledger));
}

// The log did not take the group: what memory holds of its tasks is read again when it is needed.
void Learner::Forget(const Group& group) {
  for (const store::TaskId task : group.known) Forget(task);
  for (const auto& [task, digest] : group.behind) Forget(task);
}

void Learner::Forget(store::TaskId task) {
  const auto ledger = ledgers_.find(task);
  if (ledger == ledgers_.end()) return;
  const auto known = ids_.find(ledger->second.record.name);
  if (known != ids_.end() && known->second == task) ids_.erase(known);
  ledgers_.erase(ledger);
}

void Learner::DropColdSums() {
  std::vector<std::pair<std::int64_t, TaskLedger*>> hot;
  for (auto& [id, ledger] : ledgers_)
    if (ledger.statistics) hot.emplace_back(ledger.used, &ledger);
  if (hot.size() <= kHotSumsMax) return;
  std::sort(hot.begin(), hot.end());
  for (std::size_t i = 0; i + kHotSumsMax < hot.size(); ++i) hot[i].second->statistics.reset();
}

Status Learner::LoadStatistics(TaskLedger& ledger) {
  ledger.used = ++uses_;
  if (ledger.statistics) return Status::Ok();
  CTT_ASSIGN_OR_RETURN(ledger.statistics, StatisticsAt(stores_, ledger.record.id, ledger.last_seq,
                                                       feature_dim_, ledger.kind()));
  return Status::Ok();
}

// REQUIRES: the command names the task (Command::tasks): that is how it was opened.
Result<TaskLedger*> Learner::Find(std::string_view task) {
  if (const auto id = ids_.find(task); id != ids_.end()) return &ledgers_.at(id->second);
  std::vector<std::string> names;
  for (const auto& [name, id] : ids_) names.push_back(name);
  return Status(Code::kNotFound, "task_not_found",
                "no task '" + std::string(task.substr(0, 200)) + "'" + DidYouMean(task, names));
}

Result<TaskLedger*> Learner::Find(store::TaskId task) {
  if (const auto it = ledgers_.find(task); it != ledgers_.end()) return &it->second;
  return Status(Code::kNotFound, "task_not_found", "the task was deleted");
}

Result<TaskLedger*> Learner::Create(Group& group, const std::string& task,
                                    std::optional<learn::TaskKind> kind) {
  TaskLedger ledger;
  ledger.task_settings.kind = kind;
  Result<store::Task> record = group.transaction->CreateTask(
      task, kind ? TaskSettingsJson(ledger.task_settings) : "{}", clock_.UnixMicros());
  CTT_RETURN_IF_ERROR(group.Keep(record.status()));
  ledger.record = *std::move(record);
  ledger.statistics.emplace(feature_dim_, ledger.kind());
  ledger.used = ++uses_;
  const store::TaskId id = ledger.record.id;
  group.known.insert(id);
  ids_[task] = id;
  return &ledgers_.insert_or_assign(id, std::move(ledger)).first->second;
}

// A catalog entry that serves nothing yet.
std::shared_ptr<ServedTask> Learner::Entry(const TaskLedger& ledger) const {
  auto entry = std::make_shared<ServedTask>();
  entry->id = ledger.record.id;
  entry->name = ledger.record.name;
  entry->created_us = ledger.record.created_us;
  entry->settings = ledger.task_settings;
  entry->watermark = ledger.last_seq;
  entry->last_version = ledger.last_version;
  entry->settled = ledger.settled;
  entry->previous = ledger.previous_version;
  entry->canary = ledger.canary;
  entry->shadow = ledger.shadow;
  return entry;
}

// The task's catalog entry with what its ledger knows now; the head that answers stays.
std::shared_ptr<ServedTask> Learner::Candidate(const Group& group, const TaskLedger& ledger) const {
  std::shared_ptr<ServedTask> entry = Entry(ledger);
  std::shared_ptr<const ServedTask> served;
  if (const auto here = group.served.find(ledger.record.id); here != group.served.end()) {
    served = here->second;
  } else if (const auto found = catalog_.Find(ledger.record.name); found.ok()) {
    served = *found;
  }
  if (served != nullptr) {
    const ServedTask& now = *served;
    entry->version = now.version;
    entry->updated_us = now.updated_us;
    entry->head_digest = now.head_digest;
    entry->head = now.head;
    entry->rates = now.rates;
    entry->examples = now.examples;
    entry->label_counts = now.label_counts;
  }
  if (!ledger.statistics) return entry;
  entry->examples = ledger.statistics->example_count();
  entry->label_counts.clear();
  for (const auto& [label, sums] : ledger.statistics->classes())
    entry->label_counts[label] = sums.count;
  return entry;
}

}  // namespace ctt::service
