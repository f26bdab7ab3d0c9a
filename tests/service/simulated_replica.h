#pragma once
// A replica of a World: a learner and its catalog over the log that all share, from start to death,
// again and again.
//
// Threads: the driver's, as World says; the learner's own stop and go at the driver's word.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <thread>
#include <utility>

#include "tests/service/learner_house.h"
#include "tests/service/simulated_world.h"

namespace ctt::service {

class Replica {
 public:
  Replica(World& world, int number) : world_(world), number_(number) {}
  ~Replica() {
    if (started()) Kill();
  }

  // Opens the log, as a thread of the world of its own.
  void Start() {
    process_ = std::make_unique<Process>();
    process_->replica = number_;
    store_ = std::make_unique<SimulatedStore>(world_, *process_);
    artifacts_ = std::make_unique<SimulatedArtifacts>(world_, *process_);
    catalog_ = std::make_unique<Catalog>();
    learner_ = std::make_unique<Learner>(Stores{*store_, *artifacts_, events_}, *catalog_, kTestDim,
                                         100, world_.clock, metrics_, [](store::TaskId, bool) {});
    ++life_;
    opened_.reset();
    world_.Give(*process_, [this] {
      starter_ = std::thread([this] {
        const Status status = learner_->OpenTasks();
        opened_ = status.ok();
        if (!status.ok()) world_.Say("a start fails: " + status.message());
        world_.Answered(*process_);
      });
    });
  }
  // kill -9: what is under way is refused at its next call, unheard. REQUIRES: it was started.
  void Kill() {
    process_->dead = true;
    while (process_->state != Process::State::kIdle) world_.Resume(*process_);
    End();
  }
  void End() {
    if (starter_.joinable()) starter_.join();
    learner_.reset();
    catalog_.reset();
    artifacts_.reset();
    store_.reset();
    process_.reset();
    shown_.clear();
  }

  bool started() const { return process_ != nullptr; }
  bool dead() const { return process_->dead || opened_ == false; }
  bool serving() const { return started() && opened_ == true && !process_->dead; }
  bool idle() const { return process_->state == Process::State::kIdle; }
  int number() const { return number_; }
  int life() const { return life_; }
  Process& process() { return *process_; }
  Learner& learner() { return *learner_; }
  Catalog& catalog() { return *catalog_; }
  // Entries of the catalog that were looked at already.
  std::map<std::string, std::shared_ptr<const ServedTask>>& shown() { return shown_; }

  // verb(done) posts a command; take(result) hears its answer.
  template <typename T>
  void Ask(const std::function<void(Done<T>)>& verb, std::function<void(Result<T>)> take) {
    world_.Give(*process_, [&] {
      verb([this, take = std::move(take)](Result<T> result) {
        take(std::move(result));
        world_.Answered(*process_);
      });
    });
  }
  // REQUIRES: idle. That it is done is known from a command that waits behind it.
  void Follow() {
    world_.Give(*process_, [this] { learner_->Follow(); });
    learner_->DigestSums(
        "no such task", [this](const Result<Learner::SumsDigest>&) { world_.Answered(*process_); });
  }

 private:
  World& world_;
  const int number_;
  int life_ = 0;
  telemetry::Metrics metrics_;
  telemetry::Log events_{telemetry::LogLevel::kOff};
  std::unique_ptr<Process> process_;
  std::unique_ptr<SimulatedStore> store_;
  std::unique_ptr<SimulatedArtifacts> artifacts_;
  std::unique_ptr<Catalog> catalog_;
  std::unique_ptr<Learner> learner_;
  std::thread starter_;
  std::optional<bool> opened_;
  std::map<std::string, std::shared_ptr<const ServedTask>> shown_;
};

}  // namespace ctt::service
