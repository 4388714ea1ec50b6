// Harness.h: kernels of a few lines, and what they give.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_GPU_UNIT_HARNESS_H
#define RNNC_TEST_GPU_UNIT_HARNESS_H

#include "Launch.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <limits>

namespace rnnc::ptx::test {

/// One module in a memory of its own.
class Machine {
public:
  explicit Machine(const std::string &body)
      : module(
            loadModule(".version 8.0\n.target sm_80\n.address_size 64\n" + body,
                       memory, refusal)) {}

  template <typename T> Allocation *put(const std::vector<T> &values) {
    Allocation *made = memory.allocate(values.size() * sizeof(T), 256);
    std::memcpy(made->host, values.data(), values.size() * sizeof(T));
    return made;
  }
  template <typename T> std::vector<T> get(const Allocation *from) {
    std::vector<T> values(from->size / sizeof(T));
    std::memcpy(values.data(), from->host, from->size);
    return values;
  }
  /// Parameters of 64 bits each; the status.
  int run(Dim3 grid, Dim3 block, const std::vector<uint64_t> &params,
          uint64_t dynamicShared = 0, bool isCooperative = false) {
    EXPECT_TRUE(module) << "line " << refusal.line << ": " << refusal.reason;
    if (!module)
      return -1;
    std::vector<uint8_t> bytes(params.size() * 8);
    std::memcpy(bytes.data(), params.data(), bytes.size());
    fault = Fault();
    LaunchShape shape{grid, block, dynamicShared, isCooperative};
    return launchKernel(*module->kernels.front(), shape, std::move(bytes),
                        memory, options, 0, fault, &instructions);
  }

  DeviceMemory memory;
  Refusal refusal;
  std::unique_ptr<LoadedModule> module;
  Options options;
  Fault fault;
  uint64_t instructions = 0;
};

template <typename T> constexpr const char *kTypeName = "";
template <> inline constexpr const char *kTypeName<float> = "f32";
template <> inline constexpr const char *kTypeName<double> = "f64";
template <> inline constexpr const char *kTypeName<uint16_t> = "b16";
template <> inline constexpr const char *kTypeName<int16_t> = "b16";
template <> inline constexpr const char *kTypeName<uint32_t> = "b32";
template <> inline constexpr const char *kTypeName<int32_t> = "b32";
template <> inline constexpr const char *kTypeName<uint64_t> = "b64";
template <> inline constexpr const char *kTypeName<int64_t> = "b64";

constexpr unsigned kValues = 512;

/// Values at the edges of a type, and any.
template <typename T> std::vector<T> values(uint64_t seed) {
  Random random(seed);
  std::vector<T> made(kValues);
  using Limits = std::numeric_limits<T>;
  for (T &value : made) {
    uint64_t dice = random.next();
    if constexpr (std::is_floating_point_v<T>) {
      const T edges[] = {T(0),
                         T(-0.0),
                         T(1),
                         T(-1),
                         T(0.5),
                         T(2.5),
                         T(-3.5),
                         Limits::infinity(),
                         -Limits::infinity(),
                         Limits::quiet_NaN(),
                         Limits::denorm_min(),
                         Limits::min(),
                         -Limits::min() / 4,
                         Limits::max(),
                         T(2147483648.0),
                         T(-2147483648.0),
                         T(255.5),
                         T(9.3e18)};
      value = edges[random.below(18)];
      if (dice % 4)
        value = T(std::ldexp(double(int64_t(random.next())) * 0x1p-63,
                             int(random.below(40)) - 16));
    } else {
      const T edges[] = {
          T(0),  T(1),  T(-1), Limits::max(), Limits::min(),
          T(31), T(32), T(2),  T(63),         T(Limits::max() - 1)};
      value = edges[random.below(10)];
      if (dice % 4)
        value = T(random.next() >> random.below(64));
    }
  }
  return made;
}

inline const char *bitsName(unsigned bytes) {
  return bytes == 2 ? "b16" : bytes == 4 ? "b32" : "b64";
}

template <typename T> bool isSame(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0 || (a != a && b != b);
}

/// `code` makes %d of %a, %b, %c, %e; f says what it has to make.
template <typename R, typename... A>
void expectSame(const std::string &code, R (*f)(A...), double tolerance = 0) {
  const char *names[] = {"a", "b", "c", "e"};
  unsigned sizes[] = {sizeof(A)...};
  std::string params, body;
  for (unsigned k = 0; k < sizeof...(A); ++k) {
    std::string name = names[k], bits = bitsName(sizes[k]);
    params += ".param .u64 p" + name + ", ";
    body += ".reg ." + bits + " %" + name + "; ld.param.u64 %x, [p" + name +
            "]; mad.wide.u32 %x, %t, " + std::to_string(sizes[k]) +
            ", %x; ld.global." + bits + " %" + name + ", [%x];\n";
  }
  std::string result = bitsName(sizeof(R));
  Machine machine(
      ".visible .entry k(" + params +
      ".param .u64 pd) {\n.reg .b32 %t; .reg .b64 %x; .reg .pred %p, %q;\n"
      ".reg .b32 %r<8>; .reg .b64 %l<8>; .reg .b16 %h<8>;\nmov.u32 %t, "
      "%tid.x;\n" +
      body + ".reg ." + result + " %d;\n" + code +
      "\nld.param.u64 %x, [pd]; mad.wide.u32 %x, %t, " +
      std::to_string(sizeof(R)) + ", %x; st.global." + result +
      " [%x], %d; ret; }\n");
  ASSERT_TRUE(machine.module) << code << ": " << machine.refusal.reason;
  uint64_t seed = 1;
  std::tuple<std::vector<A>...> inputs{values<A>(seed++)...};
  std::vector<uint64_t> args;
  std::apply(
      [&](auto &...column) {
        (args.push_back(machine.put(column)->base), ...);
      },
      inputs);
  Allocation *out = machine.memory.allocate(kValues * sizeof(R), 256);
  args.push_back(out->base);
  ASSERT_EQ(machine.run({1, 1, 1}, {kValues, 1, 1}, args), 0)
      << code << ": " << machine.fault.message;
  std::vector<R> got = machine.get<R>(out);
  for (unsigned k = 0; k < kValues; ++k) {
    R expected =
        std::apply([&](auto &...column) { return f(column[k]...); }, inputs);
    bool isNear = isSame(got[k], expected);
    if constexpr (std::is_floating_point_v<R>)
      isNear = isNear || std::fabs(got[k] - expected) <=
                             tolerance * std::fabs(double(expected));
    std::string of = std::apply(
        [&](auto &...column) {
          std::string text;
          ((text += " " + std::to_string(column[k])), ...);
          return text;
        },
        inputs);
    ASSERT_TRUE(isNear) << code << " of" << of << " gives " << got[k]
                        << ", not " << expected;
  }
}

} // namespace rnnc::ptx::test

#endif
