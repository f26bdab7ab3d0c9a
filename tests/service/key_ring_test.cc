#include "service/key_ring.h"

#include <gtest/gtest.h>

#include "base/file.h"
#include "store/home.h"

namespace ctt::service {
namespace {

class SetClock final : public Clock {
 public:
  std::int64_t UnixMicros() const override { return unix_us; }
  std::int64_t SteadyMicros() const override { return unix_us; }
  void Pass(double seconds) { unix_us += static_cast<std::int64_t>(seconds * 1e6); }

  std::int64_t unix_us = 20'000LL * 86'400 * 1'000'000 + 43'200LL * 1'000'000;  // A noon, UTC.
};

class KeyRingTest : public testing::Test {
 protected:
  void SetUp() override {
    char pattern[] = "/tmp/ctt_keys_XXXXXX";
    folder_ = ::mkdtemp(pattern);
    Open();
  }
  void TearDown() override {
    ring_.reset();
    std::filesystem::remove_all(folder_);
  }
  void Open() {
    ring_.reset();
    auto opened = KeyRing::OpenAt({folder_, ""}, clock_);
    ASSERT_TRUE(opened.ok()) << opened.status().ToString();
    ring_ = *std::move(opened);
  }
  MadeKey Make(NewKey wanted) {
    auto made = ring_->Create(wanted, "local", "");
    EXPECT_TRUE(made.ok()) << made.status().ToString();
    return *std::move(made);
  }
  // "ok", or the reason of the refusal.
  std::string Admit(const std::string& key, Scope scope) {
    return std::string(ring_->Admit(key, scope).status().reason());
  }

  std::filesystem::path folder_;
  SetClock clock_;
  std::unique_ptr<KeyRing> ring_;
};

TEST(PatternTest, AStarStandsForAnyLetters) {
  for (const auto& [pattern, name] :
       std::initializer_list<std::pair<const char*, const char*>>{{"a", "a"},
                                                                  {"*", ""},
                                                                  {"*", "abc"},
                                                                  {"acme:*", "acme:"},
                                                                  {"acme:*", "acme:desk"},
                                                                  {"*:desk", "a:b:desk"},
                                                                  {"a*b*c", "axxbyybzzc"},
                                                                  {"**a**", "bab"}})
    EXPECT_TRUE(MatchesPattern(pattern, name)) << pattern << " " << name;
  for (const auto& [pattern, name] :
       std::initializer_list<std::pair<const char*, const char*>>{{"a", "b"},
                                                                  {"a", "ab"},
                                                                  {"ab", "a"},
                                                                  {"", "a"},
                                                                  {"acme:*", "acme"},
                                                                  {"acme:*", "xacme:desk"},
                                                                  {"a*b*c", "axxbyyb"}})
    EXPECT_FALSE(MatchesPattern(pattern, name)) << pattern << " " << name;
}

TEST_F(KeyRingTest, WithoutAnyKeyEverybodyIsAdmitted) {
  EXPECT_FALSE(ring_->needs_keys());
  const auto caller = ring_->Admit("", Scope::kAdmin);
  ASSERT_TRUE(caller.ok());
  EXPECT_EQ((*caller)->id(), "anonymous");
  EXPECT_TRUE((*caller)->MayName("any"));
}

TEST_F(KeyRingTest, OnlyTheWholeKeyOpens) {
  const MadeKey made = Make({"k", {"predict"}});
  EXPECT_TRUE(ring_->needs_keys());
  EXPECT_EQ(made.secret.size(), 4 + 12 + 1 + 64U);
  EXPECT_EQ(Admit(made.secret, Scope::kPredict), "ok");
  EXPECT_EQ(Admit("", Scope::kPredict), "key_missing");
  for (std::size_t at = 0; at < made.secret.size(); ++at) {
    std::string other = made.secret;
    other[at] = other[at] == 'a' ? 'b' : 'a';
    EXPECT_EQ(Admit(other, Scope::kPredict), "key_unknown") << at;
  }
  EXPECT_EQ(Admit(made.secret + "0", Scope::kPredict), "key_unknown");
  EXPECT_EQ(Admit(made.secret.substr(0, 16), Scope::kPredict), "key_unknown");
}

TEST_F(KeyRingTest, AnAdminMayDoEverythingTheOthersTheirs) {
  const std::string predict = Make({"p", {"predict"}}).secret;
  const std::string both = Make({"b", {"predict", "learn"}}).secret;
  const std::string admin = Make({"a", {"admin"}}).secret;
  EXPECT_EQ(Admit(predict, Scope::kLearn), "scope_missing");
  EXPECT_EQ(Admit(both, Scope::kLearn), "ok");
  EXPECT_EQ(Admit(both, Scope::kAdmin), "scope_missing");
  for (const Scope scope : {Scope::kPredict, Scope::kLearn, Scope::kAdmin})
    EXPECT_EQ(Admit(admin, scope), "ok");
}

TEST_F(KeyRingTest, TheRateIsABucketOfOneSecond) {
  NewKey wanted{"r", {"predict"}};
  wanted.requests_per_second = 4;
  const std::string key = Make(wanted).secret;
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Admit(key, Scope::kPredict), "ok");
  const Status refused = ring_->Admit(key, Scope::kPredict).status();
  EXPECT_EQ(refused.reason(), "rate_limited");
  EXPECT_EQ(refused.retry_after_s(), 1);
  clock_.Pass(0.26);
  EXPECT_EQ(Admit(key, Scope::kPredict), "ok");
  EXPECT_EQ(Admit(key, Scope::kPredict), "rate_limited");
  clock_.Pass(60);  // What was not used is not saved up.
  for (int i = 0; i < 4; ++i) EXPECT_EQ(Admit(key, Scope::kPredict), "ok");
  EXPECT_EQ(Admit(key, Scope::kPredict), "rate_limited");
}

TEST_F(KeyRingTest, TheQuotaLastsUntilMidnightAndThroughARestart) {
  NewKey wanted{"q", {"predict"}};
  wanted.requests_per_day = 2;
  const std::string key = Make(wanted).secret;
  EXPECT_EQ(Admit(key, Scope::kPredict), "ok");
  EXPECT_EQ(Admit(key, Scope::kAdmin), "scope_missing");  // Refused: not counted.
  EXPECT_EQ(Admit(key, Scope::kPredict), "ok");
  clock_.Pass(2 * 3600);
  Open();
  const Status refused = ring_->Admit(key, Scope::kPredict).status();
  EXPECT_EQ(refused.reason(), "quota_exceeded");
  EXPECT_EQ(refused.retry_after_s(), 10 * 3600);
  EXPECT_EQ(ring_->List()[0].requests_today, 2);
  clock_.Pass(10 * 3600);
  EXPECT_EQ(ring_->List()[0].requests_today, 0);
  EXPECT_EQ(Admit(key, Scope::kPredict), "ok");
}

TEST_F(KeyRingTest, RevokedIsRevokedAlsoAfterUseAndARestart) {
  const MadeKey made = Make({"k", {"predict"}});
  EXPECT_EQ(Admit(made.secret, Scope::kPredict), "ok");  // To be written later.
  ASSERT_TRUE(ring_->Revoke(made.info.id, "local", "").ok());
  EXPECT_EQ(Admit(made.secret, Scope::kPredict), "key_unknown");
  Open();
  EXPECT_EQ(Admit(made.secret, Scope::kPredict), "key_unknown");
  EXPECT_TRUE(ring_->needs_keys());  // An empty ring would let everybody in.
  const KeyInfo info = ring_->List()[0];
  EXPECT_GT(info.revoked_us, 0);
  EXPECT_EQ(info.last_used_us, clock_.unix_us);
  EXPECT_EQ(ring_->Revoke("ffffffffffff", "local", "").status().reason(), "key_not_found");
}

TEST_F(KeyRingTest, WhatAnotherProcessMadeOrRevokedIsKnownAfterAReload) {
  ring_.reset();
  auto home = store::Home::Open({folder_, ""});
  ASSERT_TRUE(home.ok());
  auto other = KeyRing::Open(home->store(), clock_);
  ASSERT_TRUE(other.ok());
  ring_ = *KeyRing::Open(home->store(), clock_);
  const MadeKey made = Make({"k", {"predict"}});
  EXPECT_FALSE((*other)->needs_keys());
  ASSERT_TRUE((*other)->Reload().ok());
  EXPECT_TRUE((*other)->Admit(made.secret, Scope::kPredict).ok());
  ASSERT_TRUE(ring_->Revoke(made.info.id, "local", "").ok());
  ASSERT_TRUE((*other)->Reload().ok());
  EXPECT_EQ((*other)->Admit(made.secret, Scope::kPredict).status().reason(), "key_unknown");
  other->reset();
  ring_.reset();  // Before the home that they write to.
}

TEST_F(KeyRingTest, TheSecretIsNowhereInTheFolder) {
  const MadeKey made = Make({"k", {"predict"}});
  ring_.reset();
  const std::string secret = made.secret.substr(17);
  for (const auto& file : std::filesystem::recursive_directory_iterator(folder_)) {
    if (!file.is_regular_file()) continue;
    const auto bytes = ReadFile(file.path());
    ASSERT_TRUE(bytes.ok());
    EXPECT_EQ(bytes->find(secret), std::string::npos) << file.path();
  }
}

TEST_F(KeyRingTest, WhatIsNoKeyIsRefused) {
  const auto reason = [&](NewKey key) {
    return std::string(ring_->Create(key, "local", "").status().reason());
  };
  EXPECT_EQ(reason({"", {"predict"}}), "bad_key_name");
  EXPECT_EQ(reason({std::string(101, 'a'), {"predict"}}), "bad_key_name");
  EXPECT_EQ(reason({"k", {}}), "missing_scope");
  EXPECT_EQ(reason({"k", {"root"}}), "unknown_scope");
  EXPECT_EQ(reason({"k", {"learn"}, {""}}), "bad_task_pattern");
  EXPECT_EQ(reason({"k", {"learn"}, {}, -1}), "out_of_range");
  EXPECT_FALSE(ring_->needs_keys());
}

}  // namespace
}  // namespace ctt::service
