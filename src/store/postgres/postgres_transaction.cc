#include "store/postgres/postgres_transaction.h"

#include <algorithm>
#include <map>
#include <string>

#include "store/log_rules.h"
#include "store/postgres/rows.h"

namespace ctt::store {
namespace {

// Rows of one INSERT: about half a megabyte of parameters.
constexpr std::size_t kRowsPerInsert = 512;

std::string_view PhiBytes(const Example& example) {
  return {reinterpret_cast<const char*>(example.phi.data()), example.phi.size()};
}

}  // namespace

Result<std::unique_ptr<Transaction>> PostgresTransaction::Begin(PgPool::Lease connection,
                                                                const std::string& store_name) {
  CTT_RETURN_IF_ERROR(connection->Script("BEGIN"));
  return std::unique_ptr<Transaction>(new PostgresTransaction(std::move(connection), store_name));
}

// A rollback that fails leaves nothing committed either: the connection goes.
PostgresTransaction::~PostgresTransaction() {
  if (!committed_) (void)connection_->Script("ROLLBACK");
}

Status PostgresTransaction::Spoil(Status status) {
  if (!status.ok() && failed_.ok()) failed_ = status;
  return status;
}

Result<PgRows> PostgresTransaction::Run(const char* sql, std::initializer_list<PgValue> values) {
  CTT_RETURN_IF_ERROR(failed_);
  wrote_ = wrote_ || !std::string_view(sql).starts_with("SELECT");
  Result<PgRows> rows = connection_->Run(sql, values);
  if (!rows.ok()) return Spoil(rows.status());
  return rows;
}

// The root is shared by all who lock a name; LockAll takes it whole. Names in the order of their
// numbers, so that nobody waits for somebody who waits for him.
Status PostgresTransaction::Lock(std::span<const std::string> names) {
  CTT_RETURN_IF_ERROR(Write(
      "SELECT pg_advisory_xact_lock_shared(hashtextextended(current_schema() || ' ctt', 0))", {}));
  return Write(
      "SELECT pg_advisory_xact_lock(number) FROM (SELECT DISTINCT"
      " hashtextextended(current_schema() || '/' || name, 0) AS number FROM unnest($1) AS name"
      " ORDER BY number) AS numbers",
      {PgValue::TextArray(names)});
}

Status PostgresTransaction::LockAll() {
  return Write("SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' ctt', 0))", {});
}

Result<Task> PostgresTransaction::CreateTask(std::string_view name, std::string_view settings,
                                             std::int64_t now_us) {
  CTT_ASSIGN_OR_RETURN(const PgRows made,
                       Run("INSERT INTO task (name, settings, created_us) VALUES ($1, $2, $3)"
                           " ON CONFLICT DO NOTHING RETURNING id",
                           {name, settings, now_us}));
  if (made.size() == 0) return TaskNameTaken();
  return Task{made.Int(0, 0), std::string(name), std::string(settings), now_us};
}

Status PostgresTransaction::RenameTask(TaskId task, std::string_view name) {
  CTT_RETURN_IF_ERROR(RequireTask(task));
  CTT_ASSIGN_OR_RETURN(const PgRows renamed,
                       Run("UPDATE task SET name = $2 WHERE id = $1 AND NOT EXISTS"
                           " (SELECT 1 FROM task WHERE name = $2 AND id <> $1)",
                           {task, name}));
  return renamed.affected() == 1 ? Status::Ok() : TaskNameTaken();
}

Status PostgresTransaction::SetTaskSettings(TaskId task, std::string_view settings) {
  CTT_ASSIGN_OR_RETURN(const PgRows set,
                       Run("UPDATE task SET settings = $2 WHERE id = $1", {task, settings}));
  return set.affected() == 1 ? Status::Ok() : NoSuchTask(task);
}

Status PostgresTransaction::DeleteTask(TaskId task) {
  CTT_RETURN_IF_ERROR(RequireTask(task));
  CTT_RETURN_IF_ERROR(Write("DELETE FROM alias WHERE task = $1", {task}));
  CTT_RETURN_IF_ERROR(Write("DELETE FROM version WHERE task = $1", {task}));
  CTT_RETURN_IF_ERROR(Write("DELETE FROM example WHERE task = $1", {task}));
  // Labels and the checkpoint go with it (ON DELETE CASCADE).
  return Write("DELETE FROM task WHERE id = $1", {task});
}

Result<LabelId> PostgresTransaction::InternLabel(TaskId task, std::string_view name) {
  CTT_RETURN_IF_ERROR(RequireTask(task));
  CTT_ASSIGN_OR_RETURN(const PgRows known,
                       Run("SELECT id FROM label WHERE task = $1 AND name = $2 ORDER BY id LIMIT 1",
                           {task, PgValue::Bytes(name)}));
  if (known.size() > 0) return known.Int(0, 0);
  CTT_ASSIGN_OR_RETURN(const PgRows made,
                       Run("INSERT INTO label (task, name) VALUES ($1, $2) RETURNING id",
                           {task, PgValue::Bytes(name)}));
  return made.Int(0, 0);
}

Status PostgresTransaction::CheckLabels(TaskId task, std::set<LabelId> labels) {
  std::erase_if(labels, [&](LabelId label) { return labels_seen_.contains({task, label}); });
  if (labels.empty()) return Status::Ok();
  const std::vector<std::int64_t> wanted(labels.begin(), labels.end());
  CTT_ASSIGN_OR_RETURN(
      const PgRows found,
      Run("SELECT id FROM label WHERE task = $1 AND id = ANY($2)", {task, PgValue(wanted)}));
  for (int row = 0; row < found.size(); ++row) {
    labels_seen_.insert({task, found.Int(row, 0)});
    labels.erase(found.Int(row, 0));
  }
  return labels.empty() ? Status::Ok() : NoSuchLabel(*labels.begin());
}

Status PostgresTransaction::RenameLabels(TaskId task, std::span<const LabelId> labels,
                                         std::string_view name, Seq seq) {
  CTT_RETURN_IF_ERROR(failed_);
  if (labels.empty() || name.empty()) return InvalidArgument("renaming needs labels and a name");
  CTT_ASSIGN_OR_RETURN(const Seq last, LastSeq(task));
  CTT_RETURN_IF_ERROR(CheckNextSeq(last, seq));
  CTT_RETURN_IF_ERROR(CheckLabels(task, {labels.begin(), labels.end()}));
  CTT_RETURN_IF_ERROR(
      Write("INSERT INTO label_name (label, until_seq, name)"
            " SELECT id, $2, name FROM label WHERE id = ANY($1)",
            {PgValue(labels), seq}));
  CTT_RETURN_IF_ERROR(Write("UPDATE label SET name = $2 WHERE id = ANY($1)",
                            {PgValue(labels), PgValue::Bytes(name)}));
  return Write("UPDATE task SET last_seq = $2 WHERE id = $1", {task, seq});
}

Result<Seq> PostgresTransaction::LastSeq(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const PgRows rows,
                       Run("SELECT last_seq FROM task WHERE id = $1 FOR UPDATE", {task}));
  if (rows.size() == 0) return NoSuchTask(task);
  return rows.Int(0, 0);
}

Result<std::vector<Example>> PostgresTransaction::FindLiving(TaskId task,
                                                             std::span<const std::string> ids) {
  const std::vector<std::optional<std::string_view>> wanted(ids.begin(), ids.end());
  CTT_ASSIGN_OR_RETURN(const PgRows rows,
                       Run("SELECT " CTT_PG_EXAMPLE_COLUMNS ", phi, text FROM example"
                           " WHERE task = $1 AND id = ANY($2) AND deleted_seq = 0",
                           {task, PgValue::BytesArray(wanted)}));
  std::map<std::string_view, int> row_of;
  for (int row = 0; row < rows.size(); ++row) row_of[rows.Bytes(row, 4)] = row;
  std::vector<Example> found;
  for (const std::string& id : ids) {
    if (const auto row = row_of.find(id); row != row_of.end())
      ReadExample(rows, row->second, found.emplace_back());
  }
  return found;
}

Status PostgresTransaction::Insert(TaskId task, std::span<const Example> examples) {
  std::vector<std::int64_t> seqs, labels, times;
  std::vector<std::optional<std::string_view>> ids, sources, phis, texts, targets;
  for (const Example& example : examples) {
    seqs.push_back(example.seq);
    labels.push_back(example.label);
    times.push_back(example.time_us);
    ids.emplace_back(example.id);
    sources.emplace_back(example.source);
    phis.emplace_back(PhiBytes(example));
    texts.push_back(example.text ? std::optional<std::string_view>(*example.text) : std::nullopt);
    targets.push_back(example.target.empty() ? std::nullopt
                                             : std::optional<std::string_view>(example.target));
  }
  return Write(
      "INSERT INTO example (task, seq, label, time_us, id, source, phi, text, target)"
      " SELECT $1, * FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::bytea[],"
      " $6::bytea[], $7::bytea[], $8::bytea[], $9::bytea[])",
      {task, PgValue(seqs), PgValue(labels), PgValue(times), PgValue::BytesArray(ids),
       PgValue::BytesArray(sources), PgValue::BytesArray(phis), PgValue::BytesArray(texts),
       PgValue::BytesArray(targets)});
}

Status PostgresTransaction::AppendExamples(TaskId task, std::span<const Example> examples) {
  CTT_ASSIGN_OR_RETURN(const Seq last, LastSeq(task));
  if (examples.empty()) return Status::Ok();
  CTT_RETURN_IF_ERROR(CheckAppend(last, examples));
  std::set<LabelId> labels;
  for (const Example& example : examples) labels.insert(example.label);
  CTT_RETURN_IF_ERROR(CheckLabels(task, std::move(labels)));
  for (std::size_t first = 0; first < examples.size(); first += kRowsPerInsert) {
    const std::size_t count = std::min(kRowsPerInsert, examples.size() - first);
    const Status status = Insert(task, examples.subspan(first, count));
    if (status.code() == Code::kAlreadyExists) failed_ = ExampleIdTaken();
    CTT_RETURN_IF_ERROR(failed_);
  }
  return Write("UPDATE task SET last_seq = $2, living = living + $3 WHERE id = $1",
               {task, examples.back().seq, static_cast<std::int64_t>(examples.size())});
}

Status PostgresTransaction::MarkUnlearned(TaskId task, std::span<const Seq> seqs, Seq deleted_seq) {
  CTT_RETURN_IF_ERROR(failed_);
  if (seqs.empty()) return InvalidArgument("unlearning needs at least one example");
  CTT_ASSIGN_OR_RETURN(const Seq last, LastSeq(task));
  CTT_RETURN_IF_ERROR(CheckNextSeq(last, deleted_seq));
  CTT_ASSIGN_OR_RETURN(const PgRows marked,
                       Run("UPDATE example SET deleted_seq = $3 WHERE task = $1 AND seq = ANY($2)"
                           " AND seq < $3 AND deleted_seq = 0",
                           {task, PgValue(seqs), deleted_seq}));
  const auto count = static_cast<std::int64_t>(seqs.size());
  if (marked.affected() != count) return Spoil(NoLivingExample());
  return Write("UPDATE task SET last_seq = $2, living = living - $3 WHERE id = $1",
               {task, deleted_seq, count});
}

// A purged row keeps its place in the log and its label; one byte stands for its features.
Result<std::int64_t> PostgresTransaction::PurgeUnlearned(TaskId task) {
  CTT_RETURN_IF_ERROR(RequireTask(task));
  // A version held a row when its watermark lies between the row's two writes.
  CTT_ASSIGN_OR_RETURN(
      const PgRows holders,
      Run("SELECT number, EXISTS (SELECT 1 FROM alias WHERE alias.task = $1 AND name = 'live'"
          " AND alias.version = number) FROM version WHERE task = $1 AND EXISTS"
          " (SELECT 1 FROM example WHERE example.task = $1 AND deleted_seq > version.watermark"
          " AND seq <= version.watermark)",
          {task}));
  std::vector<std::int64_t> numbers;
  for (int row = 0; row < holders.size(); ++row) {
    if (holders.Bool(row, 1)) return LiveHoldsPurged();
    numbers.push_back(holders.Int(row, 0));
  }
  CTT_RETURN_IF_ERROR(
      Write("DELETE FROM alias WHERE task = $1 AND version = ANY($2) AND name <> 'settled'",
            {task, PgValue(numbers)}));
  CTT_RETURN_IF_ERROR(
      Write("UPDATE version SET has_artifact = false WHERE task = $1 AND number = ANY($2)",
            {task, PgValue(numbers)}));
  CTT_ASSIGN_OR_RETURN(
      const PgRows purged,
      Run("UPDATE example SET phi = '\\x00', text = NULL, target = NULL, id = 'purged', source = ''"
          " WHERE task = $1 AND deleted_seq > 0 AND length(phi) > 1",
          {task}));
  return purged.affected();
}

Status PostgresTransaction::PutVersion(TaskId task, const Version& version) {
  CTT_ASSIGN_OR_RETURN(const Seq last, LastSeq(task));
  CTT_ASSIGN_OR_RETURN(const PgRows latest,
                       Run("SELECT coalesce(max(number), 0) FROM version WHERE task = $1", {task}));
  CTT_RETURN_IF_ERROR(CheckNextVersion(last, latest.Int(0, 0), version));
  return Write(
      "INSERT INTO version (task, number, watermark, settled, has_artifact, examples, created_us,"
      " head_digest, settings, report) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
      {task, version.number, version.watermark, version.settled, version.has_artifact,
       version.examples, version.created_us, version.head_digest, PgValue::Bytes(version.settings),
       PgValue::Bytes(version.report)});
}

Status PostgresTransaction::SetAlias(TaskId task, std::string_view alias, std::int64_t version) {
  CTT_RETURN_IF_ERROR(failed_);
  if (alias.empty()) return InvalidArgument("an alias needs a name");
  CTT_RETURN_IF_ERROR(RequireTask(task));
  CTT_ASSIGN_OR_RETURN(
      const PgRows set,
      Run("INSERT INTO alias (task, name, version) SELECT task, $2, number FROM version"
          " WHERE task = $1 AND number = $3"
          " ON CONFLICT (task, name) DO UPDATE SET version = excluded.version",
          {task, alias, version}));
  return set.affected() == 1 ? Status::Ok() : NoSuchVersion(version);
}

Status PostgresTransaction::RemoveAlias(TaskId task, std::string_view alias) {
  return Write("DELETE FROM alias WHERE task = $1 AND name = $2", {task, alias});
}

Status PostgresTransaction::PutCheckpoint(TaskId task, const Checkpoint& checkpoint) {
  CTT_ASSIGN_OR_RETURN(const Seq last, LastSeq(task));
  CTT_RETURN_IF_ERROR(CheckCheckpoint(last, checkpoint));
  return Write(
      "INSERT INTO checkpoint (task, watermark, digest) VALUES ($1, $2, $3)"
      " ON CONFLICT (task) DO UPDATE SET watermark = excluded.watermark, digest = excluded.digest",
      {task, checkpoint.watermark, checkpoint.digest});
}

Status PostgresTransaction::PutIdempotent(std::string_view key, std::string_view request_digest,
                                          std::string_view answer, std::int64_t now_us) {
  CTT_RETURN_IF_ERROR(failed_);
  if (key.empty()) return InvalidArgument("an idempotency key cannot be empty");
  CTT_RETURN_IF_ERROR(
      Write("DELETE FROM idempotent WHERE key IN (SELECT key FROM idempotent WHERE created_us <= $1"
            " FOR UPDATE SKIP LOCKED)",
            {now_us - kIdempotentKeptMicros}));
  CTT_ASSIGN_OR_RETURN(
      const PgRows put,
      Run("INSERT INTO idempotent (key, request_digest, answer, created_us)"
          " VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
          {PgValue::Bytes(key), PgValue::Bytes(request_digest), PgValue::Bytes(answer), now_us}));
  return put.affected() == 1 ? Status::Ok() : IdempotencyKeyTaken();
}

Status PostgresTransaction::SetMeta(std::string_view key, std::string_view value) {
  CTT_RETURN_IF_ERROR(failed_);
  if (key.empty()) return InvalidArgument("a meta key cannot be empty");
  return Write(
      "INSERT INTO meta (key, value) VALUES ($1, $2)"
      " ON CONFLICT (key) DO UPDATE SET value = excluded.value",
      {key, value});
}

Status PostgresTransaction::PutApiKey(const ApiKey& key) {
  CTT_RETURN_IF_ERROR(failed_);
  if (key.id.empty()) return InvalidArgument("an API key needs an id");
  return Write(
      "INSERT INTO api_key (id, digest, name, scopes, tasks, requests_per_second,"
      " requests_per_day, created_us, revoked_us, last_used_us, day, day_requests)"
      " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO UPDATE SET"
      " digest = excluded.digest, name = excluded.name, scopes = excluded.scopes,"
      " tasks = excluded.tasks, requests_per_second = excluded.requests_per_second,"
      " requests_per_day = excluded.requests_per_day, created_us = excluded.created_us,"
      " revoked_us = excluded.revoked_us, last_used_us = excluded.last_used_us,"
      " day = excluded.day, day_requests = excluded.day_requests",
      {key.id, key.digest, PgValue::Bytes(key.name), PgValue::Bytes(key.scopes),
       PgValue::Bytes(key.tasks), key.requests_per_second, key.requests_per_day, key.created_us,
       key.revoked_us, key.last_used_us, key.day, key.day_requests});
}

// One after another, from the numbering to the commit: a reader that has seen an entry has seen
// every one with a lower number.
Status PostgresTransaction::AppendAudit(const AuditEntry& entry) {
  CTT_RETURN_IF_ERROR(Write(
      "SELECT pg_advisory_xact_lock(hashtextextended(current_schema() || ' audit of ctt', 0))",
      {}));
  return Write(
      "INSERT INTO audit (time_us, who, request, action, subject, rows, digest_before,"
      " digest_after) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
      {entry.time_us, entry.who, PgValue::Bytes(entry.request), entry.action,
       PgValue::Bytes(entry.subject), entry.rows, entry.digest_before, entry.digest_after});
}

Status PostgresTransaction::Commit() {
  CTT_RETURN_IF_ERROR(failed_);
  if (committed_) return CommittedBefore();
  if (wrote_)
    CTT_RETURN_IF_ERROR(Write("SELECT pg_notify('ctt_' || current_schema(), $1)", {store_name_}));
  CTT_RETURN_IF_ERROR(Spoil(connection_->Script("COMMIT")));
  committed_ = true;
  failed_ = CommittedBefore();
  return Status::Ok();
}

}  // namespace ctt::store
