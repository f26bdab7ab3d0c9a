#pragma once
// A learner over a real data directory, without an encoder: rows carry features that the test made
// up.
#include <atomic>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

#include "service/learner.h"
#include "service/settler.h"
#include "service/verify.h"
#include "store/data_directory.h"

namespace ctt::service {

inline constexpr std::int32_t kTestDim = 16;

// The same name gives the same features; names of one label lie near each other.
inline EncodedRow MakeRow(const std::string& id, const std::string& label) {
  std::seed_seq seed(id.begin(), id.end());
  std::mt19937 random(seed);
  EncodedRow row;
  row.row = {"text of " + id, label, id, "test"};
  for (std::int32_t i = 0; i < kTestDim; ++i) {
    const int centre = i == static_cast<std::int32_t>(label.front()) % kTestDim ? 60 : 0;
    row.phi.push_back(static_cast<std::int8_t>(centre + static_cast<int>(random() % 41) - 20));
  }
  return row;
}

// The system's clock, moved on by what a test lets pass.
class MovedClock final : public Clock {
 public:
  std::int64_t UnixMicros() const override { return system_.UnixMicros() + passed_us; }
  std::int64_t SteadyMicros() const override { return system_.SteadyMicros(); }
  std::atomic<std::int64_t> passed_us = 0;

 private:
  SystemClock system_;
};

class LearnerHouse {
 public:
  explicit LearnerHouse(std::filesystem::path folder) : folder_(std::move(folder)) { Open(); }
  ~LearnerHouse() { Close(); }

  void Open() {
    auto opened = store::DataDirectory::Open(folder_);
    CTT_CHECK(opened.ok());
    data_ = std::make_unique<store::DataDirectory>(std::move(*opened));
    const Stores stores{data_->store(), data_->artifacts(), log_};
    catalog_ = std::make_unique<Catalog>();
    settler_ = std::make_unique<Settler>(stores, -1, 2, clock_, metrics_);
    learner_ =
        std::make_unique<Learner>(stores, *catalog_, kTestDim, 100, clock_, metrics_,
                                  [this](store::TaskId task, bool) { settler_->Touch(task); });
    const Status status = learner_->OpenTasks();
    CTT_CHECK(status.ok());
    settler_->Start(*learner_);
  }
  void Close() {
    if (settler_ != nullptr) settler_->Stop();
    learner_.reset();
    settler_.reset();
    catalog_.reset();
    data_.reset();
  }
  void Reopen() {
    Close();
    Open();
  }
  void Pass(std::int64_t micros) { clock_.passed_us += micros; }

  Result<LearnAnswer> Learn(const std::string& task, std::vector<EncodedRow> rows,
                            LearnOptions options = {}) {
    return Wait<LearnAnswer>([&](Done<LearnAnswer> done) {
      learner_->Learn(task, std::move(rows), options, std::move(done));
    });
  }
  Result<UnlearnAnswer> Unlearn(const std::string& task, std::vector<std::string> ids) {
    return Wait<UnlearnAnswer>([&](Done<UnlearnAnswer> done) {
      learner_->Unlearn(task, std::move(ids), std::move(done));
    });
  }
  Result<UnlearnAnswer> UnlearnWhere(const std::string& task, ExampleFilter filter) {
    return Wait<UnlearnAnswer>([&](Done<UnlearnAnswer> done) {
      learner_->UnlearnWhere(task, std::move(filter), std::move(done));
    });
  }
  Result<PurgeAnswer> Purge(const std::string& task) {
    return Wait<PurgeAnswer>(
        [&](Done<PurgeAnswer> done) { learner_->Purge(task, std::move(done)); });
  }
  Result<VerifyAnswer> Verify(const std::string& task) {
    const auto served = Served(task);
    CTT_ASSIGN_OR_RETURN(const auto sums,
                         Wait<Learner::SumsDigest>([&](Done<Learner::SumsDigest> done) {
                           learner_->DigestSums(task, std::move(done));
                         }));
    return VerifyTask({data_->store(), data_->artifacts(), log_}, *served, sums, kTestDim);
  }
  Status Settle(const std::string& task) {
    const store::TaskId id = Served(task)->id;
    return Wait<bool>([&](Done<bool> done) { settler_->SettleNow(id, std::move(done)); }).status();
  }
  Status Publish(const std::string& task, std::int64_t version) {
    AliasChange change;
    change.version = version;
    return SetAlias(task, change);
  }
  Status SetAlias(const std::string& task, AliasChange change) {
    return Wait<bool>([&](Done<bool> done) {
             learner_->SetAlias(task, std::move(change), std::move(done));
           })
        .status();
  }
  Status RemoveAlias(const std::string& task, const std::string& alias) {
    return Wait<bool>([&](Done<bool> done) { learner_->RemoveAlias(task, alias, std::move(done)); })
        .status();
  }
  Status SetPublishing(const std::string& task, Publishing publishing) {
    return Wait<bool>(
               [&](Done<bool> done) { learner_->SetPublishing(task, publishing, std::move(done)); })
        .status();
  }
  Status Rename(const std::string& task, const std::string& name) {
    TaskChange change;
    change.name = name;
    return Change(task, change);
  }
  Status Change(const std::string& task, const TaskChange& change) {
    return Wait<bool>([&](Done<bool> done) { learner_->ChangeTask(task, change, std::move(done)); })
        .status();
  }
  Status Delete(const std::string& task) {
    return Wait<bool>([&](Done<bool> done) { learner_->DeleteTask(task, std::move(done)); })
        .status();
  }
  Status Edit(const std::string& task, LabelEdit edit) {
    return Wait<bool>([&](Done<bool> done) {
             learner_->EditLabels(task, std::move(edit), std::move(done));
           })
        .status();
  }
  std::shared_ptr<const ServedTask> Served(const std::string& task) {
    auto found = catalog_->Find(task);
    CTT_CHECK(found.ok());
    return *found;
  }
  // The digest of what answers for the task; "" when nothing does.
  std::string Digest(const std::string& task) {
    const auto served = Served(task);
    return served->head == nullptr ? "" : ToHex(served->head->ContentDigest());
  }
  Catalog& catalog() { return *catalog_; }
  store::DataDirectory& data() { return *data_; }
  Learner& learner() { return *learner_; }

 private:
  std::filesystem::path folder_;
  MovedClock clock_;
  telemetry::Metrics metrics_;
  telemetry::Log log_{telemetry::LogLevel::kOff};
  std::unique_ptr<store::DataDirectory> data_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<Settler> settler_;
  std::unique_ptr<Learner> learner_;
};

}  // namespace ctt::service
