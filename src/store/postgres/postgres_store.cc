#include "store/postgres/postgres_store.h"

#include <algorithm>
#include <random>
#include <thread>

#include <poll.h>

#include "store/log_rules.h"
#include "store/postgres/postgres_transaction.h"
#include "store/postgres/rows.h"
#include "store/postgres/schema.h"

namespace ctt::store {
namespace {

#define CTT_PG_MARK_QUERY                                                              \
  "SELECT id, task.name, settings, created_us, last_seq, coalesce((SELECT max(number)" \
  " FROM version WHERE version.task = id), 0), alias.name, alias.version"              \
  " FROM task LEFT JOIN alias ON alias.task = id"

// One row an alias, or one without.
std::vector<TaskMark> ReadMarks(const PgRows& rows) {
  std::vector<TaskMark> marks;
  for (int row = 0; row < rows.size(); ++row) {
    if (marks.empty() || marks.back().task.id != rows.Int(row, 0)) {
      marks.push_back({{rows.Int(row, 0), rows.Text(row, 1), rows.Text(row, 2), rows.Int(row, 3)},
                       rows.Int(row, 4),
                       rows.Int(row, 5),
                       {}});
    }
    if (!rows.IsNull(row, 6)) marks.back().aliases[rows.Text(row, 6)] = rows.Int(row, 7);
  }
  return marks;
}

Status Damaged(std::string what) {
  return {Code::kDataLoss, "damaged", "the database is damaged: " + std::move(what)};
}

// A query that finds rows only where its rule is broken.
struct Rule {
  const char* broken_by;
  const char* query;
};
constexpr Rule kRules[] = {
    {"an example without its task",
     "SELECT 1 FROM example WHERE NOT EXISTS (SELECT 1 FROM task WHERE id = example.task) LIMIT 1"},
    {"an example whose label is not of its task",
     "SELECT 1 FROM example WHERE NOT EXISTS (SELECT 1 FROM label"
     " WHERE label.id = example.label AND label.task = example.task) LIMIT 1"},
    {"an example past its task's last seq",
     "SELECT 1 FROM example JOIN task ON task.id = example.task"
     " WHERE greatest(seq, deleted_seq) > last_seq LIMIT 1"},
    {"a task whose count of living examples is wrong",
     "SELECT 1 FROM task WHERE living <> (SELECT count(*) FROM example"
     " WHERE example.task = task.id AND deleted_seq = 0) LIMIT 1"},
    {"a label that was renamed past its task's last seq",
     "SELECT 1 FROM label_name JOIN label ON label.id = label_name.label JOIN task"
     " ON task.id = label.task WHERE until_seq > last_seq LIMIT 1"},
    // Each seq is one example's, one unlearning's or one renaming's.
    {"a gap in a task's log",
     "SELECT 1 FROM task WHERE last_seq <> (SELECT count(*) + count(DISTINCT deleted_seq)"
     " FILTER (WHERE deleted_seq > 0) FROM example WHERE example.task = task.id)"
     " + (SELECT count(DISTINCT until_seq) FROM label_name JOIN label"
     " ON label.id = label_name.label WHERE label.task = task.id) LIMIT 1"},
    {"a version without its task",
     "SELECT 1 FROM version WHERE NOT EXISTS (SELECT 1 FROM task WHERE id = version.task) LIMIT 1"},
    {"a gap in a task's versions",
     "SELECT 1 FROM version GROUP BY task HAVING max(number) <> count(*) LIMIT 1"},
};

Status CheckRules(PgConnection& connection) {
  for (const Rule& rule : kRules) {
    CTT_ASSIGN_OR_RETURN(const PgRows rows, connection.Run(rule.query));
    if (rows.size() > 0) return Damaged(rule.broken_by);
  }
  return Status::Ok();
}

std::string RandomName() {
  std::random_device device;
  return std::to_string(device()) + "-" + std::to_string(device());
}

// Takes the notifications that wait; whether one is not of `own`.
bool TakeNotices(PgConnection& connection, const std::string& own) {
  bool news = false;
  while (PGnotify* notice = PQnotifies(connection.handle())) {
    news = news || own != notice->extra;
    PQfreemem(notice);
  }
  return news;
}

// false: the connection is broken.
bool WaitForNotice(PgConnection& connection, const std::string& own,
                   std::chrono::milliseconds at_most) {
  const auto end = std::chrono::steady_clock::now() + at_most;
  while (!TakeNotices(connection, own)) {
    const auto left =
        std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    if (left.count() <= 0) return true;
    pollfd socket{PQsocket(connection.handle()), POLLIN, 0};
    if (::poll(&socket, 1, static_cast<int>(left.count())) > 0 &&
        PQconsumeInput(connection.handle()) == 0)
      return false;
  }
  return PQstatus(connection.handle()) == CONNECTION_OK;
}

// Of the tables' schema, as PostgresTransaction notifies it.
Status Listen(PgConnection& connection) {
  CTT_ASSIGN_OR_RETURN(
      const PgRows rows,
      connection.Run("SELECT 'LISTEN ' || quote_ident('ctt_' || current_schema())"));
  return connection.Script(rows.Text(0, 0).c_str());
}

}  // namespace

PostgresStore::PostgresStore(const std::string& url) : pool_(url), url_(url), name_(RandomName()) {}

Result<std::unique_ptr<PostgresStore>> PostgresStore::Open(const std::string& url) {
  std::unique_ptr<PostgresStore> store(new PostgresStore(url));
  CTT_ASSIGN_OR_RETURN(const PgPool::Lease connection, store->pool_.Take());
  CTT_RETURN_IF_ERROR(BringToLastVersion(*connection));
  return store;
}

Result<PgRows> PostgresStore::Read(const char* sql, std::initializer_list<PgValue> values) {
  CTT_ASSIGN_OR_RETURN(const PgPool::Lease connection, pool_.Take());
  return connection->Run(sql, values);
}

Result<std::unique_ptr<Transaction>> PostgresStore::Begin() {
  CTT_ASSIGN_OR_RETURN(PgPool::Lease connection, pool_.Take());
  return PostgresTransaction::Begin(std::move(connection), name_);
}

void PostgresStore::AwaitChange(std::chrono::milliseconds at_most) {
  if (listener_ == nullptr) {
    Result<std::unique_ptr<PgConnection>> opened = PgConnection::Open(url_);
    if (!opened.ok() || !Listen(**opened).ok()) return std::this_thread::sleep_for(at_most);
    listener_ = *std::move(opened);
    return;  // What was committed before it listened may be news.
  }
  if (!WaitForNotice(*listener_, name_, at_most)) listener_.reset();
}

Result<std::vector<TaskMark>> PostgresStore::Marks() {
  CTT_ASSIGN_OR_RETURN(const PgRows rows, Read(CTT_PG_MARK_QUERY " ORDER BY id", {}));
  return ReadMarks(rows);
}

Result<std::optional<TaskMark>> PostgresStore::Mark(std::string_view task) {
  CTT_ASSIGN_OR_RETURN(const PgRows rows, Read(CTT_PG_MARK_QUERY " WHERE task.name = $1", {task}));
  std::vector<TaskMark> marks = ReadMarks(rows);
  return marks.empty() ? std::nullopt : std::optional(std::move(marks.front()));
}

Result<std::vector<Task>> PostgresStore::Tasks() {
  CTT_ASSIGN_OR_RETURN(const PgRows rows,
                       Read("SELECT id, name, settings, created_us FROM task ORDER BY id", {}));
  std::vector<Task> tasks;
  for (int row = 0; row < rows.size(); ++row)
    tasks.push_back({rows.Int(row, 0), rows.Text(row, 1), rows.Text(row, 2), rows.Int(row, 3)});
  return tasks;
}

Result<std::vector<Label>> PostgresStore::Labels(TaskId task) { return LabelsAt(task, kNumberMax); }

Result<std::vector<Label>> PostgresStore::LabelsAt(TaskId task, Seq watermark) {
  // The first renaming after the watermark tells what the label was called at it.
  CTT_ASSIGN_OR_RETURN(
      const PgRows rows,
      Read("SELECT id, coalesce((SELECT label_name.name FROM label_name WHERE label = id"
           " AND until_seq > $2 ORDER BY until_seq LIMIT 1), name), description"
           " FROM label WHERE task = $1 ORDER BY id",
           {task, watermark}));
  std::vector<Label> labels;
  for (int row = 0; row < rows.size(); ++row)
    labels.push_back({rows.Int(row, 0), rows.Text(row, 1), rows.Text(row, 2)});
  return labels;
}

Result<Seq> PostgresStore::LastSeq(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const PgRows rows, Read("SELECT last_seq FROM task WHERE id = $1", {task}));
  if (rows.size() == 0) return NoSuchTask(task);
  return rows.Int(0, 0);
}

Result<std::int64_t> PostgresStore::CountLiving(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const PgRows rows, Read("SELECT living FROM task WHERE id = $1", {task}));
  if (rows.size() == 0) return NoSuchTask(task);
  return rows.Int(0, 0);
}

Result<std::map<LabelId, std::int64_t>> PostgresStore::CountByLabel(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const PgRows rows, Read("SELECT label, count(*) FROM example WHERE task = $1"
                                               " AND deleted_seq = 0 GROUP BY label",
                                               {task}));
  std::map<LabelId, std::int64_t> counts;
  for (int row = 0; row < rows.size(); ++row) counts[rows.Int(row, 0)] = rows.Int(row, 1);
  return counts;
}

Result<ExamplePage> PostgresStore::PageExamples(TaskId task, Seq after, std::int32_t limit) {
  if (after < 0 || limit < 1) return InvalidArgument("a page needs after >= 0 and limit >= 1");
  // One row more than asked for tells whether a next page exists.
  CTT_ASSIGN_OR_RETURN(const PgRows rows,
                       Read("SELECT " CTT_PG_EXAMPLE_COLUMNS
                            ", NULL::bytea, text FROM example WHERE task = $1 AND seq > $2"
                            " AND deleted_seq = 0 ORDER BY task, seq LIMIT $3",
                            {task, after, std::int64_t{limit} + 1}));
  ExamplePage page;
  const int count = std::min(rows.size(), static_cast<int>(limit));
  for (int row = 0; row < count; ++row) ReadExample(rows, row, page.examples.emplace_back());
  if (rows.size() > count) page.next_after = page.examples.back().seq;
  return page;
}

Result<std::optional<Example>> PostgresStore::FindExample(TaskId task, std::string_view id) {
  CTT_ASSIGN_OR_RETURN(
      const PgRows rows,
      Read("SELECT " CTT_PG_EXAMPLE_COLUMNS ", phi, text FROM example WHERE task = $1 AND id = $2"
           " AND deleted_seq = 0",
           {task, PgValue::Bytes(id)}));
  if (rows.size() == 0) return std::optional<Example>();
  Example example;
  ReadExample(rows, 0, example);
  return std::optional<Example>(std::move(example));
}

Status PostgresStore::ScanAt(TaskId task, Seq watermark, const Visit& visit) {
  CTT_ASSIGN_OR_RETURN(const PgPool::Lease connection, pool_.Take());
  return ScanLog(*connection, task, watermark, visit);
}

Status PostgresStore::ReplaySince(TaskId task, Seq from, Seq to, const SignedVisit& visit) {
  CTT_ASSIGN_OR_RETURN(const PgPool::Lease connection, pool_.Take());
  return ReplayLog(*connection, task, from, to, visit);
}

Result<std::vector<Version>> PostgresStore::Versions(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const PgRows rows, Read(CTT_PG_VERSION_QUERY " ORDER BY number", {task}));
  std::vector<Version> versions;
  for (int row = 0; row < rows.size(); ++row) versions.push_back(ReadVersion(rows, row));
  return versions;
}

Result<std::optional<Version>> PostgresStore::FindVersion(TaskId task, std::int64_t number) {
  CTT_ASSIGN_OR_RETURN(const PgRows rows,
                       Read(CTT_PG_VERSION_QUERY " AND number = $2", {task, number}));
  return FirstVersion(rows);
}

Result<std::optional<Version>> PostgresStore::LatestVersion(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const PgRows rows,
                       Read(CTT_PG_VERSION_QUERY " ORDER BY number DESC LIMIT 1", {task}));
  return FirstVersion(rows);
}

Result<std::map<std::string, std::int64_t>> PostgresStore::Aliases(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const PgRows rows,
                       Read("SELECT name, version FROM alias WHERE task = $1", {task}));
  std::map<std::string, std::int64_t> aliases;
  for (int row = 0; row < rows.size(); ++row) aliases[rows.Text(row, 0)] = rows.Int(row, 1);
  return aliases;
}

Result<std::optional<std::int64_t>> PostgresStore::Alias(TaskId task, std::string_view alias) {
  CTT_ASSIGN_OR_RETURN(
      const PgRows rows,
      Read("SELECT version FROM alias WHERE task = $1 AND name = $2", {task, alias}));
  return rows.size() == 0 ? std::nullopt : std::optional(rows.Int(0, 0));
}

Result<std::optional<Checkpoint>> PostgresStore::LatestCheckpoint(TaskId task) {
  CTT_ASSIGN_OR_RETURN(const PgRows rows,
                       Read("SELECT watermark, digest FROM checkpoint WHERE task = $1", {task}));
  return rows.size() == 0 ? std::nullopt
                          : std::optional(Checkpoint{rows.Int(0, 0), rows.Text(0, 1)});
}

Result<std::optional<IdempotentAnswer>> PostgresStore::FindIdempotent(std::string_view key) {
  CTT_ASSIGN_OR_RETURN(
      const PgRows rows,
      Read("SELECT request_digest, answer, created_us FROM idempotent WHERE key = $1",
           {PgValue::Bytes(key)}));
  return rows.size() == 0
             ? std::nullopt
             : std::optional(IdempotentAnswer{rows.Text(0, 0), rows.Text(0, 1), rows.Int(0, 2)});
}

Result<std::optional<std::string>> PostgresStore::Meta(std::string_view key) {
  CTT_ASSIGN_OR_RETURN(const PgRows rows, Read("SELECT value FROM meta WHERE key = $1", {key}));
  return rows.size() == 0 ? std::nullopt : std::optional(rows.Text(0, 0));
}

Result<std::vector<ApiKey>> PostgresStore::ApiKeys() {
  CTT_ASSIGN_OR_RETURN(
      const PgRows rows,
      Read("SELECT id, digest, name, scopes, tasks, requests_per_second, requests_per_day,"
           " created_us, revoked_us, last_used_us, day, day_requests FROM api_key"
           " ORDER BY id COLLATE \"C\"",
           {}));
  std::vector<ApiKey> keys;
  for (int i = 0; i < rows.size(); ++i) {
    keys.push_back({rows.Text(i, 0), rows.Text(i, 1), rows.Text(i, 2), rows.Text(i, 3),
                    rows.Text(i, 4), rows.Int(i, 5), rows.Int(i, 6), rows.Int(i, 7), rows.Int(i, 8),
                    rows.Int(i, 9), rows.Int(i, 10), rows.Int(i, 11)});
  }
  return keys;
}

Result<std::vector<AuditEntry>> PostgresStore::Audit(std::int64_t after, std::int32_t limit) {
  CTT_ASSIGN_OR_RETURN(
      const PgRows rows,
      Read("SELECT seq, time_us, who, request, action, subject, rows, digest_before, digest_after"
           " FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2",
           {after, std::int64_t{limit}}));
  std::vector<AuditEntry> entries;
  for (int i = 0; i < rows.size(); ++i) {
    entries.push_back({rows.Int(i, 0), rows.Int(i, 1), rows.Text(i, 2), rows.Text(i, 3),
                       rows.Text(i, 4), rows.Text(i, 5), rows.Int(i, 6), rows.Text(i, 7),
                       rows.Text(i, 8)});
  }
  return entries;
}

Result<std::set<std::string>> PostgresStore::NamedArtifacts() {
  CTT_ASSIGN_OR_RETURN(
      const PgRows rows,
      Read("SELECT head_digest FROM version WHERE has_artifact UNION SELECT digest FROM checkpoint",
           {}));
  std::set<std::string> digests;
  for (int row = 0; row < rows.size(); ++row) digests.insert(rows.Text(row, 0));
  return digests;
}

Result<std::set<std::string>> PostgresStore::CopyTo(const std::filesystem::path&) {
  return Status(Code::kFailedPrecondition, "use_database_tools",
                "rows are in PostgreSQL: back them up with its own tools, pg_dump or an archive of "
                "its log");
}

Status PostgresStore::Scrub() {
  CTT_ASSIGN_OR_RETURN(const PgPool::Lease connection, pool_.Take());
  for (const char* vacuum :
       {"VACUUM example", "VACUUM version", "VACUUM label", "VACUUM label_name", "VACUUM alias"})
    CTT_RETURN_IF_ERROR(connection->Script(vacuum));
  return Status::Ok();
}

Status PostgresStore::Verify() {
  CTT_ASSIGN_OR_RETURN(const PgPool::Lease connection, pool_.Take());
  // One snapshot for all of it, so that writes in between cannot look like damage.
  CTT_RETURN_IF_ERROR(connection->Script("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"));
  const Status status = CheckRules(*connection);
  const Status end = connection->Script("ROLLBACK");
  return status.ok() ? end : status;
}

}  // namespace ctt::store
