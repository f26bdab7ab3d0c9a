// The start-up self-check of the int8 kernels.
#include <cstring>
#include <vector>

#include "kernels/i8_kernels.h"

namespace ctt::kernels {
namespace {

constexpr std::int32_t kRows = 14;  // Of no tile's height, so that full and partial tiles run.
constexpr std::int32_t kWidth = 64;
constexpr std::int32_t kHeads = 2;

// Made inputs: a linear congruential sequence in [-1, 1), now and then an extreme.
std::vector<float> Made(std::uint32_t seed, std::size_t count) {
  std::vector<float> made(count);
  for (float& x : made) {
    seed = seed * 1664525u + 1013904223u;
    const bool extreme = (seed >> 8) % 8 == 0;
    x = static_cast<float>(static_cast<std::int32_t>(seed)) * 0x1p-31f;
    if (extreme) x = x < 0 ? -1.0f : 1.0f;
  }
  return made;
}

// Weights of -32 to 32: four of them keep the bound without being packed for it.
struct MadeWeights {
  std::vector<std::int8_t> panels;
  std::vector<std::int32_t> start;
  std::vector<float> scale, bias;
  WeightsI8 view;

  MadeWeights(std::int32_t n, std::int32_t k) : start(n), scale(n, 0.01f), bias(Made(3, n)) {
    for (const float w : Made(2, static_cast<std::size_t>(n) * k)) {
      const std::size_t at = panels.size();
      panels.push_back(static_cast<std::int8_t>(w * (kGroupSumMax / 4)));
      const std::size_t column = at / (16 * k) * 16 + at / 4 % 16;
      start[column] -= 128 * panels.back();
    }
    view = {panels.data(), start.data(), scale.data(), bias.data(), n, k};
  }
};

// What one ISA answers to every kernel, one after another.
std::vector<std::byte> Answers(const I8Kernels& kernels) {
  std::vector<std::byte> answers;
  const auto keep = [&](const auto& part) {
    const auto* bytes = reinterpret_cast<const std::byte*>(part.data());
    answers.insert(answers.end(), bytes, bytes + part.size() * sizeof(part[0]));
  };
  const std::int32_t offsets[] = {0, 5, kRows};
  const MadeWeights qkv_weights(3 * kWidth, kWidth), weights(kWidth, kWidth);
  std::vector<float> x = Made(4, kRows * kWidth), qkv(3 * x.size()), context(x.size());
  const std::vector<float> gamma = Made(5, kWidth), factor = Made(6, kWidth);
  std::vector<std::uint8_t> a(x.size());
  std::vector<float> a_scale(kRows);
  std::vector<std::byte> scratch(AttentionI8ScratchBytes(kRows, kWidth));

  kernels.normalise({{x.data(), kRows, kWidth, gamma.data(), factor.data(), 1e-12f},
                     factor.data(),
                     a.data(),
                     a_scale.data()});
  keep(x), keep(a), keep(a_scale);
  kernels.product(
      {&qkv_weights.view, a.data(), a_scale.data(), kRows, Epilogue::kBias, qkv.data()});
  keep(qkv);
  kernels.attention({qkv.data(), kWidth, kHeads, offsets, 2, context.data(), scratch.data()});
  keep(context);
  kernels.quantise({context.data(), kRows, kWidth, a.data(), a_scale.data()});
  keep(a), keep(a_scale);
  for (const Epilogue epilogue : {Epilogue::kBiasResidual, Epilogue::kBiasGelu}) {
    kernels.product({&weights.view, a.data(), a_scale.data(), kRows, epilogue, x.data()});
    keep(x);
  }
  return answers;
}

}  // namespace

bool I8KernelsAgree(Isa isa) {
  return isa == Isa::kReference ||
         Answers(GetI8Kernels(Isa::kReference)) == Answers(GetI8Kernels(isa));
}

}  // namespace ctt::kernels
