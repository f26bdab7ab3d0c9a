#pragma once
// A world for replicas that share one log, in which one random number generator decides everything:
// who goes on at which call of the log, what fails, who dies where, who hears of what.
//
// The log is the real SqliteStore on a file in memory, behind a wrapper that plays a shared
// database: transactions that lock follow each other, readers see what is committed, and at every
// call the caller may be made to wait for others, be refused, or die before or after the call took
// effect. Artefacts are a map behind the same gate.
//
// Threads: each process of the world (Process) has threads of its own, but only one runs at a time:
// the driver's, or that of the process that the driver lets go on (Resume) until its next stop.
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/hash.h"
#include "store/artifact_store.h"
#include "store/sqlite/sqlite_store.h"

namespace ctt::service {

// One run of one replica, from its start to its death.
struct Process {
  enum class State { kIdle, kRunning, kStopped };
  int replica = 0;
  State state = State::kIdle;
  int jobs = 0;  // Posted and not answered.
  bool waits_for_lock = false;
  std::condition_variable turn;
  bool dead = false;  // Every call fails from now on; nothing of it takes effect.
};

// Of 1,000 calls; and how many calls go by before others may have a turn.
struct Odds {
  std::uint64_t refuse = 0, die = 0, pause_every = 4;
};

class SimulatedClock final : public Clock {
 public:
  std::int64_t UnixMicros() const override { return now_us; }
  std::int64_t SteadyMicros() const override { return now_us; }
  std::int64_t now_us = 1'700'000'000'000'000;
};

class World {
 public:
  enum class Fate { kGo, kRefuse, kDieBefore, kDieAfter, kGoButRefuse };

  World(std::uint64_t seed, const std::filesystem::path& folder)
      : random_(seed), log_(*store::SqliteStore::Open(folder / "log.sqlite")) {}

  store::Store& log() { return *log_; }  // Past the gate: for the driver.
  std::uint64_t Draw(std::uint64_t below) { return random_() % below; }
  bool Chance(std::uint64_t per_mille) { return Draw(1000) < per_mille; }
  void Say(const std::string& what) { history_ += what + "\n"; }
  const std::string& history() const { return history_; }
  // A broken promise; the first is what counts.
  void Break(const std::string& what) {
    if (broken_.empty()) broken_ = what;
  }
  const std::string& broken() const { return broken_; }

  // The driver: gives `process` something to do by `post`, or its next turn, and waits until it
  // stops, or has answered everything.
  template <typename Post>
  void Give(Process& process, Post post) {
    const bool idle = process.state == Process::State::kIdle;
    ++process.jobs;
    if (idle) process.state = Process::State::kRunning;
    post();
    if (idle) AwaitStop(process);
  }
  void Resume(Process& process) {
    {
      const std::lock_guard lock(mutex_);
      process.state = Process::State::kRunning;
    }
    process.turn.notify_one();
    AwaitStop(process);
  }
  bool MayResume(const Process& process) const {
    return process.state == Process::State::kStopped &&
           (!process.waits_for_lock || lock_holder_ == nullptr || process.dead);
  }

  // The process: a job of Give is answered.
  void Answered(Process& process) {
    {
      const std::lock_guard lock(mutex_);
      if (--process.jobs > 0) return;
      process.state = Process::State::kIdle;
    }
    driver_.notify_one();
  }
  void Stop(Process& process) {
    std::unique_lock lock(mutex_);
    process.state = Process::State::kStopped;
    driver_.notify_one();
    process.turn.wait(lock, [&] { return process.state == Process::State::kRunning; });
  }
  // At each call: who is dead is refused at once.
  Fate Enter(Process& process, bool commits = false, bool stop = false) {
    if (!process.dead && (stop || Draw(odds.pause_every) == 0)) Stop(process);
    if (process.dead) return Fate::kRefuse;
    if (Chance(odds.die)) {
      Say("replica " + std::to_string(process.replica) + " dies in a call");
      process.dead = true;
      return Draw(2) == 0 ? Fate::kDieBefore : Fate::kDieAfter;
    }
    if (!Chance(odds.refuse)) return Fate::kGo;
    Say("replica " + std::to_string(process.replica) + " is refused");
    return commits && Draw(2) == 0 ? Fate::kGoButRefuse : Fate::kRefuse;
  }
  static Status Refusal() { return {Code::kUnavailable, "simulated", "refused by the simulation"}; }

  template <typename Effect>
  auto Gate(Process& process, Effect effect, bool commits = false, bool stop = false)
      -> decltype(effect()) {
    switch (Enter(process, commits, stop)) {
      case Fate::kGo:
        return effect();
      case Fate::kDieAfter:
      case Fate::kGoButRefuse:
        (void)effect();
        return Refusal();
      default:
        return Refusal();
    }
  }

  // False: it died while it waited.
  bool TakeLock(Process& process) {
    while (lock_holder_ != nullptr && !process.dead) {
      process.waits_for_lock = true;
      Stop(process);
    }
    process.waits_for_lock = false;
    if (!process.dead) lock_holder_ = &process;
    return !process.dead;
  }
  void DropLock() { lock_holder_ = nullptr; }

  // After a commit that took effect: others may hear of it, and what its rows name is there.
  void Committed() {
    ++commits;
    const auto named = log_->NamedArtifacts();
    for (const std::string& digest : named.value())
      if (!artifacts.contains(digest)) Break("a committed row names an artefact that is not there");
  }

  Odds odds;
  SimulatedClock clock;
  std::int64_t commits = 0;
  std::map<std::string, std::string> artifacts;  // By digest in hex.

 private:
  void AwaitStop(Process& process) {
    std::unique_lock lock(mutex_);
    driver_.wait(lock, [&] { return process.state != Process::State::kRunning; });
  }

  std::mt19937_64 random_;
  std::unique_ptr<store::SqliteStore> log_;
  const Process* lock_holder_ = nullptr;
  std::string history_, broken_;
  std::mutex mutex_;
  std::condition_variable driver_;  // Somebody stopped, or has answered everything.
};

class SimulatedArtifacts final : public store::ArtifactStore {
 public:
  SimulatedArtifacts(World& world, Process& process) : world_(world), process_(process) {}
  Result<Digest> Put(std::string_view bytes) override {
    return world_.Gate(process_, [&]() -> Result<Digest> {
      const Digest digest = Sha256(bytes);
      world_.artifacts[ToHex(digest)] = bytes;
      return digest;
    });
  }
  Result<std::string> Get(const Digest& digest) override {
    return world_.Gate(process_, [&]() -> Result<std::string> {
      const auto found = world_.artifacts.find(ToHex(digest));
      if (found == world_.artifacts.end()) return NotFound("no artefact " + ToHex(digest));
      return found->second;
    });
  }
  Status Remove(const Digest& digest) override {
    return world_.Gate(process_, [&] {
      world_.artifacts.erase(ToHex(digest));
      return Status::Ok();
    });
  }
  Result<std::vector<Digest>> List() override {
    return world_.Gate(process_, [&]() -> Result<std::vector<Digest>> {
      std::vector<Digest> all;
      for (const auto& [hex, bytes] : world_.artifacts) CTT_CHECK(FromHex(hex, all.emplace_back()));
      return all;
    });
  }

 private:
  World& world_;
  Process& process_;
};

// Begins in the log once it has its locks, or with its first write. A refusal may spoil it, as in
// PostgreSQL, or not, as in SQLite.
class SimulatedTransaction final : public store::Transaction {
 public:
  SimulatedTransaction(World& world, Process& process) : world_(world), process_(process) {}
  ~SimulatedTransaction() override {
    if (inner_ == nullptr) return;
    inner_.reset();
    world_.DropLock();
  }
  Status Lock(std::span<const std::string> names) override {
    return Do([&] { return inner_->Lock(names); });
  }
  Status LockAll() override {
    return Do([&] { return inner_->LockAll(); });
  }
  Result<store::Task> CreateTask(std::string_view name, std::string_view settings,
                                 std::int64_t now_us) override {
    return Do([&] { return inner_->CreateTask(name, settings, now_us); });
  }
  Status RenameTask(store::TaskId task, std::string_view name) override {
    return Do([&] { return inner_->RenameTask(task, name); });
  }
  Status SetTaskSettings(store::TaskId task, std::string_view settings) override {
    return Do([&] { return inner_->SetTaskSettings(task, settings); });
  }
  Status DeleteTask(store::TaskId task) override {
    return Do([&] { return inner_->DeleteTask(task); });
  }
  Result<store::LabelId> InternLabel(store::TaskId task, std::string_view name) override {
    return Do([&] { return inner_->InternLabel(task, name); });
  }
  Status RenameLabels(store::TaskId task, std::span<const store::LabelId> labels,
                      std::string_view name, store::Seq seq) override {
    return Do([&] { return inner_->RenameLabels(task, labels, name, seq); });
  }
  Result<store::Seq> LastSeq(store::TaskId task) override {
    return Do([&] { return inner_->LastSeq(task); });
  }
  Result<std::vector<store::Example>> FindLiving(store::TaskId task,
                                                 std::span<const std::string> ids) override {
    return Do([&] { return inner_->FindLiving(task, ids); });
  }
  Status AppendExamples(store::TaskId task, std::span<const store::Example> examples) override {
    return Do([&] { return inner_->AppendExamples(task, examples); });
  }
  Status MarkUnlearned(store::TaskId task, std::span<const store::Seq> seqs,
                       store::Seq deleted_seq) override {
    return Do([&] { return inner_->MarkUnlearned(task, seqs, deleted_seq); });
  }
  Result<std::int64_t> PurgeUnlearned(store::TaskId task) override {
    return Do([&] { return inner_->PurgeUnlearned(task); });
  }
  Status PutVersion(store::TaskId task, const store::Version& version) override {
    return Do([&] { return inner_->PutVersion(task, version); });
  }
  Status SetAlias(store::TaskId task, std::string_view alias, std::int64_t version) override {
    return Do([&] { return inner_->SetAlias(task, alias, version); });
  }
  Status RemoveAlias(store::TaskId task, std::string_view alias) override {
    return Do([&] { return inner_->RemoveAlias(task, alias); });
  }
  Status PutCheckpoint(store::TaskId task, const store::Checkpoint& checkpoint) override {
    return Do([&] { return inner_->PutCheckpoint(task, checkpoint); });
  }
  Status PutIdempotent(std::string_view key, std::string_view request_digest,
                       std::string_view answer, std::int64_t now_us) override {
    return Do([&] { return inner_->PutIdempotent(key, request_digest, answer, now_us); });
  }
  Status SetMeta(std::string_view key, std::string_view value) override {
    return Do([&] { return inner_->SetMeta(key, value); });
  }
  Status PutApiKey(const store::ApiKey& key) override {
    return Do([&] { return inner_->PutApiKey(key); });
  }
  Status AppendAudit(const store::AuditEntry& entry) override {
    return Do([&] { return inner_->AppendAudit(entry); });
  }
  Status Commit() override {
    const auto commit = [&] {
      const Status status = inner_->Commit();
      if (status.ok()) world_.Committed();
      return status;
    };
    return Do(commit, /*commits=*/true);
  }

 private:
  template <typename Effect>
  auto Do(Effect effect, bool commits = false) -> decltype(effect()) {
    if (inner_ == nullptr) {
      if (!world_.TakeLock(process_)) return World::Refusal();
      inner_ = *world_.log().Begin();
    }
    if (spoiled_) return World::Refusal();
    auto outcome = world_.Gate(process_, effect, commits);
    spoiled_ = !IsOk(outcome) && world_.Draw(2) == 0;
    return outcome;
  }
  static bool IsOk(const Status& status) { return status.ok(); }
  template <typename T>
  static bool IsOk(const Result<T>& result) {
    return result.ok();
  }

  World& world_;
  Process& process_;
  bool spoiled_ = false;
  std::unique_ptr<store::Transaction> inner_;
};

class SimulatedStore final : public store::Store {
 public:
  SimulatedStore(World& world, Process& process) : world_(world), process_(process) {}
  bool shared() const override { return true; }
  Result<std::unique_ptr<store::Transaction>> Begin() override {
    return Do([&]() -> Result<std::unique_ptr<store::Transaction>> {
      return std::unique_ptr<store::Transaction>(
          std::make_unique<SimulatedTransaction>(world_, process_));
    });
  }
  void AwaitChange(std::chrono::milliseconds) override {}  // The driver tells who hears.
  // How a call of Learner::Follow begins: the driver can rely on a stop here.
  Result<std::vector<store::TaskMark>> Marks() override {
    return world_.Gate(
        process_, [&] { return world_.log().Marks(); }, /*commits=*/false, /*stop=*/true);
  }
  Result<std::optional<store::TaskMark>> Mark(std::string_view task) override {
    return Do([&] { return world_.log().Mark(task); });
  }
  Result<std::vector<store::Task>> Tasks() override {
    return Do([&] { return world_.log().Tasks(); });
  }
  Result<std::vector<store::Label>> Labels(store::TaskId task) override {
    return Do([&] { return world_.log().Labels(task); });
  }
  Result<std::vector<store::Label>> LabelsAt(store::TaskId task, store::Seq watermark) override {
    return Do([&] { return world_.log().LabelsAt(task, watermark); });
  }
  Result<store::Seq> LastSeq(store::TaskId task) override {
    return Do([&] { return world_.log().LastSeq(task); });
  }
  Result<std::int64_t> CountLiving(store::TaskId task) override {
    return Do([&] { return world_.log().CountLiving(task); });
  }
  Result<std::map<store::LabelId, std::int64_t>> CountByLabel(store::TaskId task) override {
    return Do([&] { return world_.log().CountByLabel(task); });
  }
  Result<store::ExamplePage> PageExamples(store::TaskId task, store::Seq after,
                                          std::int32_t limit) override {
    return Do([&] { return world_.log().PageExamples(task, after, limit); });
  }
  Result<std::optional<store::Example>> FindExample(store::TaskId task,
                                                    std::string_view id) override {
    return Do([&] { return world_.log().FindExample(task, id); });
  }
  Status ScanAt(store::TaskId task, store::Seq watermark, const Visit& visit) override {
    return Do([&] { return world_.log().ScanAt(task, watermark, visit); });
  }
  Status ReplaySince(store::TaskId task, store::Seq from, store::Seq to,
                     const SignedVisit& visit) override {
    return Do([&] { return world_.log().ReplaySince(task, from, to, visit); });
  }
  Result<std::vector<store::Version>> Versions(store::TaskId task) override {
    return Do([&] { return world_.log().Versions(task); });
  }
  Result<std::optional<store::Version>> FindVersion(store::TaskId task,
                                                    std::int64_t number) override {
    return Do([&] { return world_.log().FindVersion(task, number); });
  }
  Result<std::optional<store::Version>> LatestVersion(store::TaskId task) override {
    return Do([&] { return world_.log().LatestVersion(task); });
  }
  Result<std::map<std::string, std::int64_t>> Aliases(store::TaskId task) override {
    return Do([&] { return world_.log().Aliases(task); });
  }
  Result<std::optional<std::int64_t>> Alias(store::TaskId task, std::string_view alias) override {
    return Do([&] { return world_.log().Alias(task, alias); });
  }
  Result<std::optional<store::Checkpoint>> LatestCheckpoint(store::TaskId task) override {
    return Do([&] { return world_.log().LatestCheckpoint(task); });
  }
  Result<std::optional<store::IdempotentAnswer>> FindIdempotent(std::string_view key) override {
    return Do([&] { return world_.log().FindIdempotent(key); });
  }
  Result<std::optional<std::string>> Meta(std::string_view key) override {
    return Do([&] { return world_.log().Meta(key); });
  }
  Result<std::vector<store::ApiKey>> ApiKeys() override {
    return Do([&] { return world_.log().ApiKeys(); });
  }
  Result<std::vector<store::AuditEntry>> Audit(std::int64_t after, std::int32_t limit) override {
    return Do([&] { return world_.log().Audit(after, limit); });
  }
  Result<std::set<std::string>> NamedArtifacts() override {
    return Do([&] { return world_.log().NamedArtifacts(); });
  }
  Result<std::set<std::string>> CopyTo(const std::filesystem::path& path) override {
    return Do([&] { return world_.log().CopyTo(path); });
  }
  Status Scrub() override {  // The file's own lock is what the lock of the world stands for.
    if (!world_.TakeLock(process_)) return World::Refusal();
    Status status = Do([&] { return world_.log().Scrub(); });
    world_.DropLock();
    return status;
  }
  Status Verify() override {
    return Do([&] { return world_.log().Verify(); });
  }

 private:
  template <typename Effect>
  auto Do(Effect effect) -> decltype(effect()) {
    return world_.Gate(process_, effect);
  }

  World& world_;
  Process& process_;
};

}  // namespace ctt::service
