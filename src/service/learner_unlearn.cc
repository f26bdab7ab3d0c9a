// Unlearning and purging: the learner's commands that take examples away; see learner.h.
#include <algorithm>
#include <utility>

#include "service/learner.h"
#include "service/learner_group.h"

namespace ctt::service {
namespace {

constexpr std::size_t kBlockRows = 256;

Status UnknownExample() {
  return {Code::kNotFound, "example_not_found", "none of the ids is held by this task"};
}

}  // namespace

void Learner::PostUnlearning(std::string task, bool alone, Unlearning unlearn,
                             Done<UnlearnAnswer> done, const Origin& origin) {
  auto answer = std::make_shared<UnlearnAnswer>();
  answer->task = std::move(task);
  Command command;
  command.alone = alone;
  command.note = std::make_shared<AuditNote>(AuditNote{origin, "unlearn", answer->task});
  command.apply = [this, answer, unlearn = std::move(unlearn)](Group& group) -> Status {
    CTT_ASSIGN_OR_RETURN(TaskLedger * ledger, Find(answer->task));
    CTT_RETURN_IF_ERROR(LoadStatistics(*ledger));
    answer->statistics_before = ToHex(ledger->statistics->ContentDigest());
    CTT_RETURN_IF_ERROR(unlearn(group, *ledger, *answer));
    answer->statistics_after = ToHex(ledger->statistics->ContentDigest());
    return Status::Ok();
  };
  command.seal = [this, answer, note = command.note](Group&) -> Status {
    note->rows = static_cast<std::int64_t>(answer->ids.size());
    CTT_ASSIGN_OR_RETURN(const TaskLedger* ledger, Find(answer->task));
    answer->examples = ledger->statistics->example_count();
    answer->head_version = answer->examples > 0 ? ledger->last_version : 0;
    return Status::Ok();
  };
  command.finish = [this, answer, done = std::move(done)](const Status& status) {
    if (!status.ok()) return done(status);
    metrics_.CountUnlearned(answer->task, static_cast<std::int64_t>(answer->ids.size()));
    done(std::move(*answer));
  };
  Post(std::move(command));
}

void Learner::Unlearn(std::string task, std::vector<std::string> ids, Done<UnlearnAnswer> done,
                      const Origin& origin) {
  PostUnlearning(
      std::move(task), false,
      [this, ids = std::move(ids)](Group& group, TaskLedger& ledger, UnlearnAnswer& answer) {
        return UnlearnIds(group, ledger, ids, answer);
      },
      std::move(done), origin);
}

Status Learner::UnlearnIds(Group& group, TaskLedger& ledger, const std::vector<std::string>& ids,
                           UnlearnAnswer& answer) {
  CTT_ASSIGN_OR_RETURN(const std::vector<store::Example> living,
                       group.transaction->FindLiving(ledger.record.id, ids));
  if (living.empty()) return UnknownExample();
  std::set<std::string> held;
  std::vector<store::Seq> seqs;
  std::vector<std::int8_t> phi;
  std::vector<learn::Target> targets;
  for (const store::Example& example : living) {
    if (!held.insert(example.id).second) continue;  // Asked for twice.
    answer.ids.push_back(example.id);
    seqs.push_back(example.seq);
    phi.insert(phi.end(), example.phi.begin(), example.phi.end());
    CTT_ASSIGN_OR_RETURN(targets.emplace_back(), TargetOf(example, ledger.label_names));
  }
  for (const std::string& id : ids)
    if (!held.contains(id)) answer.missing.push_back(id);
  group.known.insert(ledger.record.id);
  CTT_RETURN_IF_ERROR(
      group.Keep(group.transaction->MarkUnlearned(ledger.record.id, seqs, ledger.last_seq + 1)));
  ++ledger.last_seq;
  CTT_RETURN_IF_ERROR(group.Keep(ledger.statistics->Remove(phi, targets)));
  group.solve.insert(ledger.record.id);
  return Status::Ok();
}

// Unlearns the rows that fit, with one write of the log. REQUIRES: the command stands alone, for
// the scan sees what is committed.
Status Learner::UnlearnRows(Group& group, TaskLedger& ledger, const Fits& fits,
                            std::vector<std::string>& ids) {
  std::vector<store::Seq> seqs;
  std::vector<std::int8_t> phi;
  std::vector<learn::Target> targets;
  const auto remove = [&]() -> Status {
    const Status status = ledger.statistics->Remove(phi, targets);
    phi.clear();
    targets.clear();
    return status;
  };
  group.known.insert(ledger.record.id);
  const Status scanned = stores_.log.ScanAt(
      ledger.record.id, ledger.last_seq, [&](const store::Example& row) -> Status {
        if (!fits(row)) return Status::Ok();
        seqs.push_back(row.seq);
        ids.push_back(row.id);
        phi.insert(phi.end(), row.phi.begin(), row.phi.end());
        CTT_ASSIGN_OR_RETURN(targets.emplace_back(), TargetOf(row, ledger.label_names));
        return targets.size() < kBlockRows ? Status::Ok() : remove();
      });
  CTT_RETURN_IF_ERROR(group.Keep(scanned));
  if (seqs.empty()) {
    return {Code::kNotFound, "example_not_found", "the task holds no such example"};
  }
  CTT_RETURN_IF_ERROR(group.Keep(remove()));
  CTT_RETURN_IF_ERROR(
      group.Keep(group.transaction->MarkUnlearned(ledger.record.id, seqs, ledger.last_seq + 1)));
  ++ledger.last_seq;
  group.solve.insert(ledger.record.id);
  return Status::Ok();
}

void Learner::UnlearnWhere(std::string task, ExampleFilter filter, Done<UnlearnAnswer> done,
                           const Origin& origin) {
  PostUnlearning(
      std::move(task), true,
      [this, filter = std::move(filter)](Group& group, TaskLedger& ledger, UnlearnAnswer& answer) {
        const auto fits = [&](const store::Example& row) {
          return (!filter.label || HoldsLabel(row, ledger.label_names, *filter.label)) &&
                 (!filter.source || row.source == *filter.source) &&
                 (!filter.since_us || row.time_us >= *filter.since_us) &&
                 (!filter.before_us || row.time_us < *filter.before_us);
        };
        return UnlearnRows(group, ledger, fits, answer.ids);
      },
      std::move(done), origin);
}

// The sums go into a checkpoint that knows nothing of the purged rows, since the one of before
// does.
void Learner::Purge(std::string task, Done<PurgeAnswer> done, const Origin& origin) {
  auto answer = std::make_shared<PurgeAnswer>();
  answer->task = std::move(task);
  Command command;
  command.alone = true;
  command.note = std::make_shared<AuditNote>(AuditNote{origin, "purge", answer->task});
  command.seal = [answer, note = command.note](Group&) {
    note->rows = answer->examples;
    return Status::Ok();
  };
  command.apply = [this, answer](Group& group) -> Status {
    CTT_ASSIGN_OR_RETURN(TaskLedger * ledger, Find(answer->task));
    CTT_RETURN_IF_ERROR(LoadStatistics(*ledger));
    group.known.insert(ledger->record.id);
    CTT_ASSIGN_OR_RETURN(answer->examples, group.transaction->PurgeUnlearned(ledger->record.id));
    CTT_RETURN_IF_ERROR(group.Keep(PutSums(group, *ledger)));
    group.purged = ledger->record.id;
    return Status::Ok();
  };
  command.finish = [this, answer, done = std::move(done)](const Status& status) {
    if (!status.ok()) return done(status);
    const Result<std::int64_t> removed = CollectGarbage();
    if (!removed.ok()) return done(removed.status());
    answer->artifacts = *removed;
    const Status scrubbed = stores_.log.Scrub();
    if (!scrubbed.ok()) return done(scrubbed);
    done(std::move(*answer));
  };
  Post(std::move(command));
}

// Removes the artefacts that no row names; how many. Artefacts are put by commands only, which hold
// the locks of their tasks until the row that names them is committed: once nobody holds one, each
// artefact is named or garbage.
Result<std::int64_t> Learner::CollectGarbage() {
  CTT_ASSIGN_OR_RETURN(const std::vector<Digest> present, stores_.artifacts.List());
  CTT_ASSIGN_OR_RETURN(const auto transaction, stores_.log.Begin());
  CTT_RETURN_IF_ERROR(transaction->LockAll());
  CTT_ASSIGN_OR_RETURN(const std::set<std::string> named, stores_.log.NamedArtifacts());
  std::int64_t removed = 0;
  for (const Digest& digest : present) {
    if (named.contains(ToHex(digest))) continue;
    CTT_RETURN_IF_ERROR(stores_.artifacts.Remove(digest));
    ++removed;
  }
  return removed;
}

void Learner::DigestSums(std::string task, Done<SumsDigest> done) {
  auto sums = std::make_shared<SumsDigest>();
  Command command;
  command.alone = true;
  command.tasks = {task};
  command.apply = [this, task = std::move(task), sums](Group&) -> Status {
    CTT_ASSIGN_OR_RETURN(TaskLedger * ledger, Find(task));
    CTT_RETURN_IF_ERROR(LoadStatistics(*ledger));
    *sums = {ledger->record.id, ledger->last_seq, ToHex(ledger->statistics->ContentDigest()),
             ledger->live_version, ledger->kind()};
    return Status::Ok();
  };
  command.finish = [sums, done = std::move(done)](const Status& status) {
    if (!status.ok()) return done(status);
    done(std::move(*sums));
  };
  Post(std::move(command));
}

}  // namespace ctt::service
