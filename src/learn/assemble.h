#pragma once
// Solved numbers -> the parts of a Head. Threads: pure functions.
#include <optional>

#include "learn/cholesky.h"
#include "learn/head.h"
#include "learn/logistic.h"
#include "learn/scatter.h"

namespace ctt::learn {

// M = Sw + lambda tau I at work: W = M^-1 nu [D_b, C] and A = nu^T M^-1 nu [C, C].
struct Discriminant {
  std::vector<double> weights;  // [D_b, C]
  std::vector<double> norms;    // [C, C]
};
// nullopt: M is not positive definite, which a positive lambda rules out but for broken sums.
// Takes the scatter's `within` for its work; the rest stays.
std::optional<Discriminant> Discriminate(Scatter& scatter, double lambda);

// K^T of head.h, [C, C]: row j holds the column of K for class j.
std::vector<double> ScopeCore(const Scatter& scatter, const std::vector<double>& norms);

// Head A. REQUIRES: classes, scatter and discriminant come from the same statistics.
Head AssembleDiscriminant(const std::vector<ContentClass>& classes, std::int32_t feature_dim,
                          const Scatter& scatter, const Discriminant& discriminant,
                          const Settings& settings);

// Several heads' scores, added: weights >= 0 (pool.h) and the fitted heads of those above 0. Head A
// stands in it without the labels' shares, which the fitted heads know.
struct Pool {
  double discriminant = 0;  // Times n, as Settings::temperature.
  double features = 0, words = 0;
  LogisticWeights of_features, of_words;
  Lexicon lexicon;  // That of_words weighs.
};

// Head B, C or lexical, as settings.kind says, with head A's scope beside it.
Head AssemblePool(const std::vector<ContentClass>& classes, std::int32_t feature_dim,
                  const Scatter& scatter, const Discriminant& discriminant, Pool pool,
                  const Settings& settings);

// What Discriminate's nullopt means.
Status SingularStatus();

}  // namespace ctt::learn
