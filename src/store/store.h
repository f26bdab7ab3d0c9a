#pragma once
// Store: the log of examples, tasks, labels, head versions and aliases, behind one interface.
// SQLite (sqlite/) is the default; the conformance suite in tests/store runs on every
// implementation.
//
// Truth is the log. An example row has the sequence number that learned it and, once unlearned, the
// one that did; sequence numbers count the writes of one task (renamings of labels among them),
// without gaps. The example set at
// watermark w is
//   { rows: seq <= w and (deleted_seq == 0 or deleted_seq > w) }
// so sums at w come to a later watermark by adding rows with seq > w that live and removing rows
// with seq <= w < deleted_seq (ReplaySince).
//
// Writes go through a Transaction: all of it is durable when Commit answers ok, none of it
// otherwise. Reads see committed data only. Where several processes share the store, transactions
// about one task follow each other (Transaction::Lock), and whatever a process keeps in memory is
// compared with the task's Mark once it has the lock.
//
// Threads: every Store call is safe from any thread; a Transaction belongs to the thread that began
// it. Errors: kNotFound, kAlreadyExists, kUnavailable (database gone, "disk_full"), kDataLoss
// (damaged; names what), kInternal.
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace ctt::store {

using TaskId = std::int64_t;
using LabelId = std::int64_t;
using Seq = std::int64_t;  // Of one task; the first write is 1.

struct Task {
  TaskId id = 0;
  std::string name;
  std::string settings;         // JSON object of the service's.
  std::int64_t created_us = 0;  // Unix time.
};

struct Label {
  LabelId id = 0;
  std::string name;
  std::string description;
};

struct Example {
  Seq seq = 0;
  Seq deleted_seq = 0;  // 0: it lives.
  std::string id;       // Unique among the living of its task.
  std::optional<std::string> text;
  std::vector<std::int8_t> phi;
  LabelId label = 0;
  std::string source;
  std::int64_t time_us = 0;
  // What it says beyond its label, in the service's form; empty: nothing. With phi and text, it is
  // what a purge erases.
  std::string target;
};

// An immutable head version of a task. Without an artefact the head is solved again from the log.
struct Version {
  std::int64_t number = 0;  // Of one task, from 1, without gaps.
  Seq watermark = 0;
  bool settled = false;
  std::string settings;     // learn::SerializeSettings.
  std::string head_digest;  // Hex; the head's name in the ArtifactStore when `has_artifact`.
  bool has_artifact = false;
  std::int64_t examples = 0;
  std::string report;  // JSON.
  std::int64_t created_us = 0;
};

// Sums of a task at a watermark, in the ArtifactStore. The newest one counts.
struct Checkpoint {
  Seq watermark = 0;
  std::string digest;  // Hex.
};

// Where a task stands, all of one instant. Two equal marks of one task have the same log, versions
// and aliases behind them.
struct TaskMark {
  Task task;
  Seq last_seq = 0;
  std::int64_t last_version = 0;  // 0: none yet.
  std::map<std::string, std::int64_t> aliases;
};

// Who may call: an API key, of which only the digest is kept.
struct ApiKey {
  std::string id;      // Public, the part of the key before its secret.
  std::string digest;  // Hex SHA-256 of the whole key.
  std::string name;
  std::string scopes;  // JSON array of strings, as `tasks`; the service's.
  std::string tasks;
  std::int64_t requests_per_second = 0;  // 0: unlimited, as requests_per_day.
  std::int64_t requests_per_day = 0;
  std::int64_t created_us = 0;
  std::int64_t revoked_us = 0;    // 0: it lives.
  std::int64_t last_used_us = 0;  // 0: never.
  std::int64_t day = 0;           // Days since 1970, of day_requests.
  std::int64_t day_requests = 0;
};

// One write, as the audit log keeps it. No text and no label.
struct AuditEntry {
  std::int64_t seq = 0;  // Given by the store, rising.
  std::int64_t time_us = 0;
  std::string who;      // Id of a key, or a word such as "local".
  std::string request;  // Id of the request; may be empty.
  std::string action;   // "learn", "unlearn", ...
  std::string subject;  // Task or key.
  std::int64_t rows = 0;
  std::string digest_before;  // Hex, of the served head; empty: none.
  std::string digest_after;
};

// One atomic write. Destroying it without Commit rolls back.
class Transaction {
 public:
  virtual ~Transaction() = default;

  // Waits until no other transaction has locked one of these names, and keeps them until the end.
  // A writer locks the tasks that it writes, by name, whether or not they are there; names that
  // start with '.' stand for other things. Once, before all else: that is why no two transactions
  // can wait for each other. kUnavailable ("database_busy"): it took too long.
  virtual Status Lock(std::span<const std::string> names) = 0;
  // Waits for every transaction that has locked anything, and keeps others from it.
  virtual Status LockAll() = 0;

  // kAlreadyExists ("task_exists").
  virtual Result<Task> CreateTask(std::string_view name, std::string_view settings,
                                  std::int64_t now_us) = 0;
  virtual Status RenameTask(TaskId task, std::string_view name) = 0;
  virtual Status SetTaskSettings(TaskId task, std::string_view settings) = 0;
  virtual Status DeleteTask(TaskId task) = 0;  // With all that it holds.

  // The id of a label name of the task; made when absent. Of several labels of that name, the
  // first.
  virtual Result<LabelId> InternLabel(TaskId task, std::string_view name) = 0;
  // Calls labels by another name from `seq` on, which becomes the task's last seq; what they were
  // called before stays known. Labels may come to share a name: that is how two are merged.
  virtual Status RenameLabels(TaskId task, std::span<const LabelId> labels, std::string_view name,
                              Seq seq) = 0;

  virtual Result<Seq> LastSeq(TaskId task) = 0;
  // Living examples among `ids`, with phi; in the order of `ids`, absent ones left out.
  virtual Result<std::vector<Example>> FindLiving(TaskId task,
                                                  std::span<const std::string> ids) = 0;
  // REQUIRES: seqs follow LastSeq without gaps; ids are not among the living. deleted_seq is 0.
  virtual Status AppendExamples(TaskId task, std::span<const Example> examples) = 0;
  // Marks living rows (by their seq) as unlearned at `deleted_seq`, which becomes the task's last
  // seq.
  virtual Status MarkUnlearned(TaskId task, std::span<const Seq> seqs, Seq deleted_seq) = 0;

  // Erases the text, features, id and source of every unlearned row of the task, and forgets the
  // artefacts of the versions that held one; those can never be served again. How many rows.
  // kFailedPrecondition ("live_holds_purged"): the live version is one of them. Their aliases go,
  // but for "settled". Store::Scrub makes the files follow.
  virtual Result<std::int64_t> PurgeUnlearned(TaskId task) = 0;

  virtual Status PutVersion(TaskId task, const Version& version) = 0;
  virtual Status SetAlias(TaskId task, std::string_view alias, std::int64_t version) = 0;
  virtual Status RemoveAlias(TaskId task, std::string_view alias) = 0;  // Absent is ok.
  virtual Status PutCheckpoint(TaskId task, const Checkpoint& checkpoint) = 0;

  // Remembers the answer to a write under the caller's Idempotency-Key, and forgets those that are
  // kIdempotentKeptMicros old or more.
  virtual Status PutIdempotent(std::string_view key, std::string_view request_digest,
                               std::string_view answer, std::int64_t now_us) = 0;

  virtual Status SetMeta(std::string_view key, std::string_view value) = 0;

  virtual Status PutApiKey(const ApiKey& key) = 0;  // New, or in the place of the one of its id.
  virtual Status AppendAudit(const AuditEntry& entry) = 0;  // `seq` is not looked at.

  // Durable when ok.
  virtual Status Commit() = 0;
};

struct ExamplePage {
  std::vector<Example> examples;  // Living, rising seq, without phi.
  Seq next_after = 0;             // Pass as `after` for the next page; 0: this was the last.
};

// How long the answer to a write stands. A retry comes within minutes.
inline constexpr std::int64_t kIdempotentKeptMicros = 86'400LL * 1'000'000;

struct IdempotentAnswer {
  std::string request_digest;
  std::string answer;
  std::int64_t created_us = 0;  // Unix time; it may be older than kIdempotentKeptMicros.
};

class Store {
 public:
  virtual ~Store() = default;

  // Other processes may write to it. False: only this one, one transaction at a time; Begin waits
  // for the one before.
  virtual bool shared() const = 0;
  virtual Result<std::unique_ptr<Transaction>> Begin() = 0;
  // Returns once another process committed something since the last call, or after `at_most`. A
  // hint: it may return early, and does not hear what is committed while the database cannot be
  // reached. One thread at a time. REQUIRES: shared().
  virtual void AwaitChange(std::chrono::milliseconds at_most) = 0;

  virtual Result<std::vector<TaskMark>> Marks() = 0;  // By id.
  virtual Result<std::optional<TaskMark>> Mark(std::string_view task) = 0;

  virtual Result<std::vector<Task>> Tasks() = 0;
  // Rising id. Several may have one name (RenameLabels).
  virtual Result<std::vector<Label>> Labels(TaskId task) = 0;
  // The same labels by the names that they had at `watermark`.
  virtual Result<std::vector<Label>> LabelsAt(TaskId task, Seq watermark) = 0;
  virtual Result<Seq> LastSeq(TaskId task) = 0;
  virtual Result<std::int64_t> CountLiving(TaskId task) = 0;
  // Living examples by label; labels without any are left out.
  virtual Result<std::map<LabelId, std::int64_t>> CountByLabel(TaskId task) = 0;
  virtual Result<ExamplePage> PageExamples(TaskId task, Seq after, std::int32_t limit) = 0;
  virtual Result<std::optional<Example>> FindExample(TaskId task,
                                                     std::string_view id) = 0;  // Living.

  // Calls visit(row) for the examples of the set at `watermark`, rising seq, with phi and text. A
  // visit that answers not ok ends the scan with that status.
  using Visit = std::function<Status(const Example& row)>;
  virtual Status ScanAt(TaskId task, Seq watermark, const Visit& visit) = 0;
  // Calls visit(row, sign) for what turns the set at `from` into the set at `to`, with phi, without
  // text; sign is +1 or -1.
  using SignedVisit = std::function<Status(const Example& row, int sign)>;
  virtual Status ReplaySince(TaskId task, Seq from, Seq to, const SignedVisit& visit) = 0;

  virtual Result<std::vector<Version>> Versions(TaskId task) = 0;  // Rising number.
  virtual Result<std::optional<Version>> FindVersion(TaskId task, std::int64_t number) = 0;
  virtual Result<std::optional<Version>> LatestVersion(TaskId task) = 0;
  virtual Result<std::map<std::string, std::int64_t>> Aliases(TaskId task) = 0;
  virtual Result<std::optional<std::int64_t>> Alias(TaskId task, std::string_view alias) = 0;
  virtual Result<std::optional<Checkpoint>> LatestCheckpoint(TaskId task) = 0;
  virtual Result<std::optional<IdempotentAnswer>> FindIdempotent(std::string_view key) = 0;
  virtual Result<std::optional<std::string>> Meta(std::string_view key) = 0;
  virtual Result<std::vector<ApiKey>> ApiKeys() = 0;  // By id.
  // At most `limit` entries with seq > after, rising.
  virtual Result<std::vector<AuditEntry>> Audit(std::int64_t after, std::int32_t limit) = 0;

  // What versions and checkpoints name in the ArtifactStore, as hex.
  virtual Result<std::set<std::string>> NamedArtifacts() = 0;

  // Writes the store as of one instant to a file that is not there yet, synced, while others read
  // and write; what the copy names in the ArtifactStore. kFailedPrecondition
  // ("use_database_tools"): the database has its own.
  virtual Result<std::set<std::string>> CopyTo(const std::filesystem::path& path) = 0;

  // Takes what was deleted or erased out of the files; waits for readers, kUnavailable when they do
  // not end.
  virtual Status Scrub() = 0;

  // Reads every page and checks its structure. kDataLoss names what is damaged.
  virtual Status Verify() = 0;
};

}  // namespace ctt::store
