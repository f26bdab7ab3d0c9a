#pragma once
// KeyRing: the API keys of a data directory: who may call, for what, how often.
//
//   ctt_<id, 12 hex digits>_<secret, 64 hex digits>
//
// The secret is 256 random bits, shown once; of a key its SHA-256 is kept, and compared in constant
// time. A key has scopes, patterns of the tasks that it may name ('*' stands for any letters), a
// rate and a daily quota of requests. While no key was ever made every caller is admitted; from the
// first one on every request needs a key.
//
// Where several processes share the store, each counts for itself: rates and quotas are those of
// one process, and a key that was made or revoked elsewhere is known a few seconds later (Reload).
// Rates are kept in memory: a bucket that holds one second's requests. When a key was last used and
// its requests of the day (UTC) are written every kFlushSeconds: a crash forgets the last ones.
//
// Threads: every call is safe from any thread. Admit never waits for the database; the rest does.
#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "base/clock.h"
#include "base/guarded.h"
#include "base/hash.h"
#include "base/status.h"
#include "service/location.h"
#include "store/store.h"

namespace ctt::service {

enum class Scope : std::uint8_t { kPredict, kLearn, kAdmin };  // kAdmin implies the others.
std::string_view ScopeName(Scope scope);                       // "predict", "learn", "admin".

// Who a request comes from, for as long as it lasts. Immutable.
class Caller {
 public:
  Caller(std::string id, std::vector<std::string> tasks, bool reads_examples = true)
      : id_(std::move(id)), tasks_(std::move(tasks)), reads_examples_(reads_examples) {}
  const std::string& id() const { return id_; }  // Of the key; "anonymous" where none is needed.
  bool MayName(std::string_view task) const;
  bool restricted() const { return !tasks_.empty(); }  // To some tasks.
  // Stored texts are for those who may learn.
  bool reads_examples() const { return reads_examples_; }

 private:
  std::string id_;
  std::vector<std::string> tasks_;  // Patterns; empty: every task.
  bool reads_examples_;
};

struct NewKey {
  std::string name;                      // For people.
  std::vector<std::string> scopes;       // Names; at least one.
  std::vector<std::string> tasks;        // Patterns; empty: every task.
  std::int64_t requests_per_second = 0;  // 0: unlimited, as requests_per_day.
  std::int64_t requests_per_day = 0;
};

struct KeyInfo {
  std::string id;
  NewKey key;
  std::int64_t created_us = 0;
  std::int64_t revoked_us = 0;    // 0: it lives.
  std::int64_t last_used_us = 0;  // 0: never.
  std::int64_t requests_today = 0;
};

struct MadeKey {
  std::string secret;  // The whole key; nowhere else.
  KeyInfo info;
};

class KeyRing {
 public:
  static constexpr std::int64_t kFlushSeconds = 10;

  // Reads the keys. `store` and `clock` must outlive the ring.
  static Result<std::unique_ptr<KeyRing>> Open(store::Store& store, const Clock& clock);
  // The ring of a home that no server locks; makes what is absent. Errors as store::Home::Open.
  static Result<std::unique_ptr<KeyRing>> OpenAt(const Location& location, const Clock& clock);
  ~KeyRing();  // Writes what was counted.
  KeyRing(const KeyRing&) = delete;
  KeyRing& operator=(const KeyRing&) = delete;

  // Takes over what other processes did to the keys.
  Status Reload();

  bool needs_keys() const;  // One was made, even if it was revoked since.

  // Counts the request. kUnauthenticated ("key_missing", "key_unknown", which a revoked one is
  // too), kPermissionDenied ("scope_missing"), kResourceExhausted ("rate_limited",
  // "quota_exceeded") with the time to wait.
  Result<std::shared_ptr<const Caller>> Admit(std::string_view key, Scope scope);

  // kInvalidArgument: an unknown scope, a bad pattern, a name that is too long.
  // `who` and `request` go to the audit log.
  Result<MadeKey> Create(const NewKey& wanted, std::string_view who, std::string_view request);
  std::vector<KeyInfo> List() const;  // By time of making.
  // kNotFound ("key_not_found"). One that is revoked already stays as it is.
  Result<KeyInfo> Revoke(std::string_view id, std::string_view who, std::string_view request);

 private:
  struct Entry {
    store::ApiKey record;
    NewKey key;
    Digest digest{};
    std::shared_ptr<const Caller> caller;
    double bucket = 0;  // Requests that may come at once.
    std::int64_t bucket_us = 0;
    bool dirty = false;  // Used since it was written.
  };
  struct Ring {
    std::map<std::string, Entry, std::less<>> entries;
    bool stopping = false;
  };

  KeyRing(store::Store& store, const Clock& clock);
  Status Take(const store::ApiKey& record);
  void FlushLoop();
  void Flush();
  Status CheckLimits(Entry& entry) const;
  Status Write(const store::ApiKey& record, std::string_view action, std::string_view who,
               std::string_view request);
  KeyInfo Describe(const Entry& entry) const;

  std::unique_ptr<store::Home> owned_;  // OpenAt's.
  store::Store& store_;
  const Clock& clock_;
  Guarded<Ring> ring_;
  std::mutex writing_;  // One writer at a time, so that a flush never undoes a revocation.
  std::thread flusher_;
};

// '*' stands for any letters, also none; every other letter for itself.
bool MatchesPattern(std::string_view pattern, std::string_view name);

}  // namespace ctt::service
