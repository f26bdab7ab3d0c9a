#pragma once
// TaskLedger: one task as its writer knows it: the record, its labels, the exact sums at the last
// sequence number, the settings last chosen. And the ways to bring sums and heads back from the
// log.
//
// Threads: owned by the learner thread. The free functions only read the stores: any thread.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "learn/rates.h"
#include "learn/solve.h"
#include "learn/statistics.h"
#include "service/catalog.h"
#include "service/targets.h"
#include "service/task_settings.h"
#include "store/artifact_store.h"
#include "store/store.h"
#include "telemetry/log.h"

namespace ctt::service {

struct Stores {
  store::Store& log;
  store::ArtifactStore& artifacts;
  telemetry::Log& events;  // Where damage that was survived is named.
};

// Names that move between versions: the one that answers, and the newest that Settle made, whose
// settings the lessons after it take.
inline constexpr std::string_view kLiveAlias = "live";
inline constexpr std::string_view kSettledAlias = "settled";
inline constexpr std::string_view kPreviousAlias = "previous";
inline constexpr std::string_view kCanaryAlias = "canary";
inline constexpr std::string_view kShadowAlias = "shadow";

struct TaskLedger {
  store::Task record;
  // The first label of each name.
  boost::container::flat_map<std::string, store::LabelId> label_ids;
  LabelNames label_names;  // Several labels may share a name.
  store::Seq last_seq = 0;
  std::int64_t last_version = 0;  // 0: none yet.
  std::int64_t live_version = 0;
  std::int64_t previous_version = 0;
  ServedVersion canary, shadow;
  TaskSettings task_settings;
  bool settled = false;                     // The last version is settled and holds every example.
  std::optional<learn::Settings> settings;  // Of the last version.
  std::int64_t settled_version = 0;         // The newest that Settle made; its rates:
  std::shared_ptr<const learn::Rates> rates;
  std::optional<learn::Statistics> statistics;  // At last_seq; absent until LoadStatistics.
  std::int64_t used = 0;                        // Larger is later; decides whose sums are dropped.
  learn::TaskKind kind() const { return task_settings.kind.value_or(learn::TaskKind::kSingle); }
};

// The task as the log has it at `mark`, without its sums.
Result<TaskLedger> OpenLedger(const Stores& stores, const store::TaskMark& mark,
                              std::int32_t feature_dim);
// Nothing was written since the ledger was opened or last written.
bool IsAt(const TaskLedger& ledger, const store::TaskMark& mark);

// A label's own temperature becomes that of its new name, unless that has one.
void RenameTemperature(learn::Settings& settings, const std::string& from, const std::string& to);

// Names of a task's labels by id: now, or as they were at a watermark.
Result<LabelNames> NamesNow(store::Store& log, store::TaskId task);
Result<LabelNames> NamesAt(store::Store& log, store::TaskId task, store::Seq watermark);

// The sums at a watermark, from the log alone.
Result<learn::Statistics> StatisticsOfLog(const Stores& stores, store::TaskId task,
                                          store::Seq watermark, std::int32_t feature_dim,
                                          learn::TaskKind kind);
// Sums that stand at `from` brought to `watermark` by the log. REQUIRES: no label was renamed in
// between. kFailedPrecondition ("version_purged"): rows of the way were erased.
Result<learn::Statistics> BringTo(const Stores& stores, store::TaskId task,
                                  learn::Statistics statistics, store::Seq from,
                                  store::Seq watermark);
// The sums at a watermark: the newest checkpoint, if it is whole, then the log.
Result<learn::Statistics> StatisticsAt(const Stores& stores, store::TaskId task,
                                       store::Seq watermark, std::int32_t feature_dim,
                                       learn::TaskKind kind);

// The rows at a watermark, with the n-grams of their texts when every one has kept its text, and
// their ids where `ids` is given.
Result<learn::Rows> RowsAt(store::Store& log, store::TaskId task, store::Seq watermark,
                           std::vector<std::string>* ids = nullptr);

// A version's head solved from the sums at its watermark, and the log, whatever its artefact.
Result<learn::Head> SolveAgain(const Stores& stores, store::TaskId task,
                               const store::Version& version, const learn::Statistics& statistics);

// The reason of LoadHead where the artefact is lost and the log solves to another head: it was
// settled by a release that chose otherwise.
inline constexpr char kHeadLost[] = "head_lost";

// The head of a version: its artefact, or solved again from the log, which must give the digest
// that the version names. kDataLoss otherwise. kFailedPrecondition ("version_purged").
Result<std::shared_ptr<const learn::Head>> LoadHead(const Stores& stores, store::TaskId task,
                                                    const store::Version& version,
                                                    std::int32_t feature_dim);

// The rates of the choices that a version took; null when there are none.
Result<std::shared_ptr<const learn::Rates>> LoadRates(store::Store& log, store::TaskId task,
                                                      const store::Version& version);

}  // namespace ctt::service
