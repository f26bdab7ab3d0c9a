#pragma once
// Learner: the one thread that writes. It takes every command that waits, applies them to the exact
// sums and to one transaction, solves each touched task once, commits, swaps the catalog, and only
// then answers (group commit). An error before the commit leaves log, sums and catalog as they
// were.
//
// Where other processes write to the log too, a group first locks its tasks, reads where they
// stand, and catches up with what the others wrote: from there on it is the one writer of those
// tasks. What memory holds is never more than a copy of the log at a mark (Store::Mark).
//
// Threads: every public call is safe from any thread; answers come from the learner thread.
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "service/catalog.h"
#include "service/service.h"
#include "service/task_ledger.h"
#include "telemetry/metrics.h"

namespace ctt::service {

class Learner {
 public:
  // Called after a commit for each task whose choices should be made anew; `elsewhere`: another
  // process wrote it, and is expected to make them. Must not block.
  using Unsettled = std::function<void(store::TaskId, bool elsewhere)>;

  Learner(Stores stores, Catalog& catalog, std::int32_t feature_dim, std::int64_t labels_max,
          const Clock& clock, telemetry::Metrics& metrics, Unsettled unsettled);
  ~Learner();  // Applies what was accepted, then joins.
  Learner(const Learner&) = delete;
  Learner& operator=(const Learner&) = delete;

  // Puts every task of the log into the catalog, at the version that was live. Before the first
  // command.
  Status OpenTasks();

  // Brings the catalog to what the log holds by now; for a log that others write to. Calls that
  // wait already are one.
  void Follow();

  void Learn(std::string task, std::vector<EncodedRow> rows, LearnOptions options,
             Done<LearnAnswer> done);
  void Unlearn(std::string task, std::vector<std::string> ids, Done<UnlearnAnswer> done,
               const Origin& origin = {});
  void UnlearnWhere(std::string task, ExampleFilter filter, Done<UnlearnAnswer> done,
                    const Origin& origin = {});
  // Erases what was unlearned from the files, and every artefact that nothing names.
  void Purge(std::string task, Done<PurgeAnswer> done, const Origin& origin = {});
  void CreateTask(std::string task, std::optional<learn::TaskKind> kind, Done<bool> done,
                  const Origin& origin = {});
  // A change of the prior solves the task at once; its choices follow.
  void ChangeTask(std::string task, TaskChange change, Done<bool> done, const Origin& origin = {});
  void DeleteTask(std::string task, Done<bool> done, const Origin& origin = {});
  void EditLabels(std::string task, LabelEdit edit, Done<bool> done, const Origin& origin = {});
  void SetAlias(std::string task, AliasChange change, Done<bool> done, const Origin& origin = {});
  void RemoveAlias(std::string task, std::string alias, Done<bool> done, const Origin& origin = {});
  void SetPublishing(std::string task, Publishing publishing, Done<bool> done,
                     const Origin& origin = {});

  // What settling works from: a copy of the sums at a watermark.
  struct Snapshot {
    store::TaskId id = 0;
    store::Seq watermark = 0;
    bool settled = false;                                 // Nothing to do.
    learn::Prior prior = learn::Prior::kEmpirical;        // To settle with.
    std::shared_ptr<const learn::Statistics> statistics;  // Null when settled or empty.
  };
  void TakeSnapshot(store::TaskId task, Done<Snapshot> done);
  // The digest of the sums in use, and the sequence number that they stand at.
  struct SumsDigest {
    store::TaskId id = 0;
    store::Seq watermark = 0;
    std::string digest;
    std::int64_t live_version = 0;
    learn::TaskKind kind = learn::TaskKind::kSingle;
  };
  void DigestSums(std::string task, Done<SumsDigest> done);
  // Makes a version of what settling found and publishes it. When lessons came in between, the task
  // is solved on top with its choices instead: false. The same when the prior was changed.
  void Adopt(store::TaskId task, store::Seq watermark, learn::Settled settled, Done<bool> done);

 private:
  struct Group;
  // What the audit log will say of a command, in the same transaction.
  struct AuditNote {
    Origin origin;
    std::string action;
    std::string task;
    std::string subject;  // Empty: the task.
    std::int64_t rows = 0;
    bool written = true;  // false: the command changed nothing after all.
  };
  using AuditNotePtr = std::shared_ptr<AuditNote>;
  struct Command {
    std::function<Status(Group&)> apply;        // An error must leave the group untouched.
    std::function<Status(Group&)> seal;         // After solving, before the commit; may be empty.
    std::function<void(const Status&)> finish;  // After the commit, with its outcome.
    bool alone = false;                         // Not to be grouped with others.
    AuditNotePtr note;                          // Of every command that writes.
    std::vector<std::string> tasks;             // That it is about; absent: the task of the note.
    store::TaskId task_id = 0;                  // The one it is about, when its name may change.
  };
  struct Inbox {
    std::deque<Command> commands;
    bool follow = false;
    bool stopping = false;
  };

  void Post(Command command);
  void PostAlone(std::function<Status(Group&)> apply, Done<bool> done, AuditNote note,
                 std::vector<std::string> tasks = {});
  void Run();
  void Apply(std::vector<Command> commands);
  Status Solve(Group& group);
  Status WriteAudit(Group& group, const AuditNote& note);
  Status SolveTask(Group& group, TaskLedger& ledger);
  void Publish(const Group& group);
  Status LockTasks(Group& group, const std::vector<Command>& commands);
  Status CatchUp(Group& group, const std::string& task);
  Status ApplyTo(Group& group, const Command& command);
  void SetAside(const store::Task& task, const Status& why);
  void SolveAnew(std::string task);
  Result<std::string> NameOf(store::TaskId task) const;
  void FollowLog();
  Status FollowTask(const store::TaskMark& mark, bool starting);
  Status OpenTask(const store::TaskMark& mark);
  Result<TaskLedger*> Reopen(const store::TaskMark& mark);
  Status Show(TaskLedger& ledger);
  Result<ServedVersion> LoadLive(TaskLedger& ledger, const store::Version& version);
  void ShowBehind(Group& group);
  void Drop(store::TaskId task);
  void TakeName(const std::string& name, store::TaskId task);
  void Forget(store::TaskId task);
  void Forget(const Group& group);
  void RefreshAliases(const Group& group);
  void DropColdSums();

  Status LearnCommand(Group& group, const std::string& task, std::vector<EncodedRow>& rows,
                      const LearnOptions& options, LearnAnswer& answer);
  Status LearnRows(Group& group, TaskLedger& ledger, std::vector<EncodedRow>& rows,
                   LearnAnswer& answer);
  Status CheckKind(const TaskLedger* ledger, learn::TaskKind kind) const;
  Status CheckLabels(const TaskLedger* ledger, const std::vector<EncodedRow>& rows) const;
  Status CheckRoomForLabels(const TaskLedger* ledger, std::size_t fresh) const;
  Status ReplaceLiving(Group& group, TaskLedger& ledger, const std::vector<EncodedRow>& rows,
                       LearnAnswer& answer);
  Status AppendRows(Group& group, TaskLedger& ledger, std::vector<EncodedRow>& rows,
                    LearnAnswer& answer);
  using Unlearning = std::function<Status(Group&, TaskLedger&, UnlearnAnswer&)>;
  void PostUnlearning(std::string task, bool alone, Unlearning unlearn, Done<UnlearnAnswer> done,
                      const Origin& origin);
  Status UnlearnIds(Group& group, TaskLedger& ledger, const std::vector<std::string>& ids,
                    UnlearnAnswer& answer);
  using Fits = std::function<bool(const store::Example& row)>;
  Status UnlearnRows(Group& group, TaskLedger& ledger, const Fits& fits,
                     std::vector<std::string>& ids);
  Result<std::int64_t> CollectGarbage();
  Status ApplyLabelEdit(Group& group, TaskLedger& ledger, const LabelEdit& edit);
  Status RenameLabel(Group& group, TaskLedger& ledger, const LabelEdit& edit);
  Status MergeLabel(Group& group, TaskLedger& ledger, const LabelEdit& edit);
  Status SplitLabel(Group& group, TaskLedger& ledger, const LabelEdit& edit);
  Status DeleteLabel(Group& group, TaskLedger& ledger, const LabelEdit& edit);
  Result<std::vector<store::Example>> FindToSplit(Group& group, const TaskLedger& ledger,
                                                  const LabelEdit& edit) const;
  Status CallLabels(Group& group, TaskLedger& ledger, const LabelEdit& edit);
  // Of the label editing of multi-label tasks.
  using NewLabels =
      std::function<Result<std::vector<store::LabelId>>(const std::vector<store::LabelId>& held)>;
  Status SayAgain(Group& group, TaskLedger& ledger, std::vector<store::Example> examples,
                  const NewLabels& new_labels);
  Status DropFromExamples(Group& group, TaskLedger& ledger, const LabelEdit& edit);
  Status TakeOverlap(TaskLedger& ledger, const LabelEdit& edit);
  Status PackTarget(Group& group, TaskLedger& ledger, const LearnRow& row, store::Example& example);
  Result<store::LabelId> InternLabel(Group& group, TaskLedger& ledger, const std::string& name);
  Result<learn::Head> LastHeadRelabelled(const TaskLedger& ledger, const store::Version& last,
                                         const LabelEdit& edit) const;
  Status AdoptSettled(Group& group, TaskLedger& ledger, store::Seq watermark,
                      learn::Settled& settled, bool& published);
  Status Rename(Group& group, TaskLedger& ledger, const std::string& name);
  Result<TaskLedger*> Find(std::string_view task);
  Result<TaskLedger*> Find(store::TaskId task);
  Result<TaskLedger*> Create(Group& group, const std::string& task,
                             std::optional<learn::TaskKind> kind);
  Status TakeKind(Group& group, TaskLedger& ledger, learn::TaskKind kind);
  std::shared_ptr<ServedTask> Entry(const TaskLedger& ledger) const;
  std::shared_ptr<ServedTask> Candidate(const Group& group, const TaskLedger& ledger) const;
  Status PutVersion(Group& group, TaskLedger& ledger, const store::Version& version,
                    ServedVersion served, bool publish);
  Status MakeLive(Group& group, TaskLedger& ledger, std::int64_t version);
  Status PutTaskSettings(Group& group, TaskLedger& ledger, const TaskSettings& settings);
  bool PublishesLessons(const TaskLedger& ledger, std::int64_t examples) const;
  Result<bool> PassesGate(const TaskLedger& ledger, const learn::Report& report) const;
  Result<std::optional<store::Version>> LastSettled(const TaskLedger& ledger) const;
  Result<store::Version> FindToServe(const TaskLedger& ledger, const AliasChange& change) const;
  Status ApplyAliasChange(Group& group, TaskLedger& ledger, const AliasChange& change);
  Status PutSums(Group& group, const TaskLedger& ledger);
  Status LoadStatistics(TaskLedger& ledger);

  const Stores stores_;
  Catalog& catalog_;
  const std::int32_t feature_dim_;
  const std::int64_t labels_max_;
  const Clock& clock_;
  telemetry::Metrics& metrics_;
  const Unsettled unsettled_;
  std::map<store::TaskId, TaskLedger> ledgers_;  // Learner thread only, as is:
  std::map<std::string, store::TaskId, std::less<>> ids_;
  std::int64_t uses_ = 0;
  std::int64_t looked_us_ = 0;  // When FollowLog last could read the log.
  Guarded<Inbox> inbox_;
  std::thread thread_;
};

}  // namespace ctt::service
