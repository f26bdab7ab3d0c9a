// How the learner's memory comes to be what the log holds: at start, before each group of commands,
// and when other processes wrote; see learner.h.
#include <map>
#include <string>
#include <utility>

#include "service/learner.h"
#include "service/learner_group.h"

namespace ctt::service {
namespace {

// How often a task may change under the hands of a start.
constexpr int kOpeningsMax = 5;

// The same labels by the same names, but for new ones.
bool NamesWereKept(const LabelNames& before, const LabelNames& after) {
  for (const auto& [id, name] : before) {
    const auto found = after.find(id);
    if (found == after.end() || found->second != name) return false;
  }
  return true;
}

Result<LabelCounts> CountLabels(const Stores& stores, const TaskLedger& ledger,
                                std::int32_t feature_dim) {
  LabelCounts counts;
  if (ledger.kind() == learn::TaskKind::kMulti) {  // The sums know; the log would have to be read.
    CTT_ASSIGN_OR_RETURN(
        const learn::Statistics statistics,
        StatisticsAt(stores, ledger.record.id, ledger.last_seq, feature_dim, ledger.kind()));
    for (const auto& [label, sums] : statistics.classes()) counts[label] = sums.count;
  } else if (ledger.kind() == learn::TaskKind::kSingle) {
    CTT_ASSIGN_OR_RETURN(const auto by_label, stores.log.CountByLabel(ledger.record.id));
    for (const auto& [label, count] : by_label) {
      const auto name = ledger.label_names.find(label);  // Another process may go on meanwhile.
      if (name != ledger.label_names.end()) counts[name->second] += count;
    }
  }
  return counts;
}

}  // namespace

Status Learner::OpenTasks() {
  CTT_ASSIGN_OR_RETURN(const std::vector<store::TaskMark> marks, stores_.log.Marks());
  std::vector<std::string> lost;
  for (const store::TaskMark& mark : marks) {
    const Status status = OpenTask(mark).WithContext("task '" + mark.task.name + "'");
    if (status.code() == Code::kDataLoss) {
      SetAside(mark.task, status);
      if (status.reason() == kHeadLost) lost.push_back(mark.task.name);
    } else if (!status.ok()) {
      return status;
    }
  }
  metrics_.SetTasks(catalog_.size());
  // What a crash left between an artefact and its row; of a damaged log nobody can say.
  const Status collected = CollectGarbage().status();
  if (!collected.ok() && collected.code() != Code::kDataLoss) return collected;
  for (std::string& task : lost) SolveAnew(std::move(task));
  return Status::Ok();
}

// The log is whole, and only the bits of an older release's head are gone: a new version serves
// what the sums say, and settles in its turn.
void Learner::SolveAnew(std::string task) {
  Command command;
  command.alone = true;
  command.tasks = {task};
  command.apply = [this, task](Group& group) -> Status {
    CTT_ASSIGN_OR_RETURN(TaskLedger * ledger, Find(task));
    CTT_RETURN_IF_ERROR(LoadStatistics(*ledger));
    group.known.insert(ledger->record.id);
    group.solve.insert(ledger->record.id);
    return Status::Ok();
  };
  command.finish = [this, task](const Status& status) {
    stores_.events.Write(
        status.ok() ? telemetry::LogLevel::kInfo : telemetry::LogLevel::kError, "task_solved_anew",
        {{"task", std::string_view(task)}, {"why", std::string_view(status.message())}});
  };
  Post(std::move(command));
}

// Its log is damaged where it was read: named to whoever asks for the task, while the others serve.
void Learner::SetAside(const store::Task& task, const Status& why) {
  stores_.events.Write(
      telemetry::LogLevel::kError, "task_damaged",
      {{"task", std::string_view(task.name)}, {"why", std::string_view(why.message())}});
  Forget(task.id);
  catalog_.PutDamaged(task.name, why);
}

// A task that another process changes or deletes meanwhile is read once more.
Status Learner::OpenTask(const store::TaskMark& mark) {
  std::optional<store::TaskMark> now = mark;
  Status status;
  for (int opening = 0; opening < kOpeningsMax && now; ++opening) {
    status = FollowTask(*now, /*starting=*/true);
    if (status.ok() || !stores_.log.shared()) return status;
    CTT_ASSIGN_OR_RETURN(now, stores_.log.Mark(mark.task.name));
  }
  return now ? status : Status::Ok();
}

Status Learner::LockTasks(Group& group, const std::vector<Command>& commands) {
  std::set<std::string> names;
  for (const Command& command : commands) {
    names.insert(command.tasks.begin(), command.tasks.end());
    if (command.task_id == 0) continue;
    CTT_ASSIGN_OR_RETURN(std::string name, NameOf(command.task_id));
    if (!name.empty()) names.insert(std::move(name));
  }
  const std::vector<std::string> list(names.begin(), names.end());
  CTT_RETURN_IF_ERROR(group.transaction->Lock(list));
  for (const std::string& name : list) {
    const Status status = CatchUp(group, name);
    if (status.code() != Code::kDataLoss) CTT_RETURN_IF_ERROR(status);
    if (status.ok()) continue;
    group.damaged.emplace(name, status.WithContext("task '" + name + "'"));
    if (const auto known = ids_.find(name); known != ids_.end())
      Forget(store::TaskId{known->second});
  }
  return Status::Ok();
}

Status Learner::ApplyTo(Group& group, const Command& command) {
  for (const std::string& task : command.tasks)
    if (const auto found = group.damaged.find(task); found != group.damaged.end())
      return found->second;
  return command.apply(group);
}

// Empty: there is no such task any more.
Result<std::string> Learner::NameOf(store::TaskId task) const {
  if (const auto ledger = ledgers_.find(task); ledger != ledgers_.end())
    return ledger->second.record.name;
  CTT_ASSIGN_OR_RETURN(const std::vector<store::Task> tasks, stores_.log.Tasks());
  for (const store::Task& record : tasks)
    if (record.id == task) return record.name;
  return std::string();
}

// REQUIRES: the group has locked the name.
Status Learner::CatchUp(Group& group, const std::string& task) {
  CTT_ASSIGN_OR_RETURN(const auto mark, stores_.log.Mark(task));
  if (const auto known = ids_.find(task);
      known != ids_.end() && (!mark || mark->task.id != known->second)) {
    Drop(store::TaskId{known->second});
  }
  if (!mark) {
    catalog_.Remove(task);
    return Status::Ok();
  }
  const auto ledger = ledgers_.find(mark->task.id);
  if (ledger != ledgers_.end() && IsAt(ledger->second, *mark)) return Status::Ok();
  std::string& live_digest = group.behind[mark->task.id];
  CTT_ASSIGN_OR_RETURN(const TaskLedger* reopened, Reopen(*mark));
  CTT_ASSIGN_OR_RETURN(const auto live,
                       stores_.log.FindVersion(mark->task.id, reopened->live_version));
  if (live) live_digest = live->head_digest;
  return Status::Ok();
}

// The ledger as the log has it; sums that are in memory follow with what was added and removed.
Result<TaskLedger*> Learner::Reopen(const store::TaskMark& mark) {
  CTT_ASSIGN_OR_RETURN(TaskLedger fresh, OpenLedger(stores_, mark, feature_dim_));
  if (const auto found = ledgers_.find(mark.task.id); found != ledgers_.end()) {
    TaskLedger& old = found->second;
    fresh.used = old.used;
    if (old.statistics && old.last_seq <= mark.last_seq &&
        NamesWereKept(old.label_names, fresh.label_names)) {
      auto sums =
          BringTo(stores_, mark.task.id, *std::move(old.statistics), old.last_seq, mark.last_seq);
      if (sums.ok()) fresh.statistics = *std::move(sums);
    }
    if (old.record.name != mark.task.name) TakeName(old.record.name, mark.task.id);
  }
  ids_[mark.task.name] = mark.task.id;
  return &ledgers_.insert_or_assign(mark.task.id, std::move(fresh)).first->second;
}

// The head of the live version. The sums in memory give that of a lesson at once.
Result<ServedVersion> Learner::LoadLive(TaskLedger& ledger, const store::Version& version) {
  ServedVersion live{version.number, nullptr, nullptr};
  if (version.examples == 0) return live;
  const store::TaskId task = ledger.record.id;
  CTT_ASSIGN_OR_RETURN(live.rates, LoadRates(stores_.log, task, version));
  if (!version.settled && version.watermark == ledger.last_seq && ledger.statistics) {
    CTT_ASSIGN_OR_RETURN(learn::Head head, SolveAgain(stores_, task, version, *ledger.statistics));
    if (ToHex(head.ContentDigest()) == version.head_digest) {
      live.head = std::make_shared<const learn::Head>(std::move(head));
      return live;
    }
    ledger.statistics.reset();  // Not what the log says: LoadHead starts from there.
  }
  CTT_ASSIGN_OR_RETURN(live.head, LoadHead(stores_, task, version, feature_dim_));
  return live;
}

// Puts what the ledger knows into the catalog, with the live version's head.
Status Learner::Show(TaskLedger& ledger) {
  const store::TaskId task = ledger.record.id;
  std::shared_ptr<ServedTask> entry = Entry(ledger);
  if (ledger.live_version > 0) {
    CTT_ASSIGN_OR_RETURN(const auto version, stores_.log.FindVersion(task, ledger.live_version));
    if (!version) return DataLoss("the live version is not there");
    const auto served = catalog_.Find(ledger.record.name);
    const bool shown =
        served.ok() && (*served)->id == task && (*served)->version == version->number;
    ServedVersion live{version->number, nullptr, nullptr};
    if (shown) {
      live.head = (*served)->head;
      live.rates = (*served)->rates;
    } else {
      CTT_ASSIGN_OR_RETURN(live, LoadLive(ledger, *version));
    }
    SetHead(*entry, *version, std::move(live.head), std::move(live.rates));
  }
  if (ledger.statistics) {
    entry->examples = ledger.statistics->example_count();
    for (const auto& [label, sums] : ledger.statistics->classes())
      entry->label_counts[label] = sums.count;
  } else {
    CTT_ASSIGN_OR_RETURN(entry->examples, stores_.log.CountLiving(task));
    CTT_ASSIGN_OR_RETURN(entry->label_counts, CountLabels(stores_, ledger, feature_dim_));
  }
  catalog_.Put(std::move(entry));
  return Status::Ok();
}

// Of the tasks that were behind, what the group itself did not publish. What cannot be loaded now
// is opened anew by the next command or call of Follow.
void Learner::ShowBehind(Group& group) {
  for (const auto& [task, digest] : group.behind) {
    const auto ledger = ledgers_.find(task);
    if (ledger == ledgers_.end()) continue;
    // What it published is of now if its head is; without sums, its counts are those of before.
    const auto served = group.served.find(task);
    if (served != group.served.end() && ledger->second.statistics &&
        served->second->version == ledger->second.live_version)
      continue;
    const Status shown = Show(ledger->second);
    if (shown.ok()) continue;
    stores_.events.Write(telemetry::LogLevel::kWarning, "task_not_followed",
                         {{"task", task}, {"why", std::string_view(shown.message())}});
    Forget(task);
  }
}

void Learner::FollowLog() {
  const std::int64_t now_us = clock_.SteadyMicros();
  const auto marks = stores_.log.Marks();
  metrics_.SetDatabaseUp(marks.ok());
  if (!marks.ok()) {
    if (looked_us_ > 0) metrics_.SetCatalogLag(static_cast<double>(now_us - looked_us_) * 1e-6);
    return;
  }
  looked_us_ = now_us;
  std::map<store::TaskId, std::string> there;
  for (const store::TaskMark& mark : *marks) {
    there[mark.task.id] = mark.task.name;
    const auto ledger = ledgers_.find(mark.task.id);
    if (ledger != ledgers_.end() && IsAt(ledger->second, mark)) continue;
    const Status followed = FollowTask(mark, /*starting=*/false);
    if (followed.ok()) continue;
    stores_.events.Write(telemetry::LogLevel::kWarning, "task_not_followed",
                         {{"task", mark.task.id}, {"why", std::string_view(followed.message())}});
    Forget(mark.task.id);
  }
  std::vector<store::TaskId> gone;
  for (const auto& [task, ledger] : ledgers_)
    if (!there.contains(task)) gone.push_back(task);
  for (const store::TaskId task : gone) Drop(task);
  for (const auto& task : catalog_.List()) {  // Whose ledger was forgotten before it went.
    const auto mark = there.find(task->id);
    if (mark == there.end() || mark->second != task->name) TakeName(task->name, task->id);
  }
  metrics_.SetTasks(catalog_.size());
  DropColdSums();
}

Status Learner::FollowTask(const store::TaskMark& mark, bool starting) {
  CTT_ASSIGN_OR_RETURN(TaskLedger * ledger, Reopen(mark));
  const auto before = catalog_.Find(mark.task.name);
  CTT_RETURN_IF_ERROR(Show(*ledger));
  CTT_ASSIGN_OR_RETURN(const auto entry, catalog_.Find(mark.task.name));
  const bool known = before.ok() && (*before)->id == mark.task.id;
  if (known && entry->version > 0 && entry->version != (*before)->version) {
    metrics_.ObserveFollow(static_cast<double>(clock_.UnixMicros() - entry->updated_us) * 1e-6);
  }
  if (entry->examples > 0 && !ledger->settled) unsettled_(mark.task.id, !starting);
  return Status::Ok();
}

// The task is gone from the log.
void Learner::Drop(store::TaskId task) {
  const auto ledger = ledgers_.find(task);
  if (ledger == ledgers_.end()) return;
  TakeName(ledger->second.record.name, task);
  Forget(task);
}

// The task has this name no more; another one may have it by now.
void Learner::TakeName(const std::string& name, store::TaskId task) {
  if (const auto known = ids_.find(name); known != ids_.end() && known->second == task)
    ids_.erase(known);
  const auto served = catalog_.Find(name);
  if (served.ok() && (*served)->id == task) catalog_.Remove(name);
}

}  // namespace ctt::service
