// StraightTest.cpp: calls that go straight do what they do on the long way.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tables.h"

#include <gtest/gtest.h>

#include <cstring>
#include <functional>
#include <string>

using namespace rnnc::rt;
using namespace rnnc::rt::test;

namespace {

/// What a call left behind.
struct Outcome {
  int32_t status;
  rnnc_error error;
  float out[2];
  std::vector<unsigned char> stream;

  bool operator==(const Outcome &other) const {
    return status == other.status && error.status == other.error.status &&
           error.argument == other.error.argument &&
           error.example == other.error.example &&
           error.step == other.error.step && error.value == other.error.value &&
           !strcmp(error.name, other.error.name) &&
           !strcmp(error.message, other.error.message) &&
           !memcmp(out, other.out, sizeof(out)) && stream == other.stream;
  }
};

class StraightTest : public testing::Test {
protected:
  using Change = std::function<void()>;

  ~StraightTest() override { rnnc_rt_context_finish(ctx()); }

  /// Everything a call of `function` needs, all of it right.
  void SetUpFor(int32_t function, int32_t rows) {
    stepping = function >= kCount;
    ASSERT_EQ(rnnc_rt_context_init(ctx(), context.size, nullptr, nullptr),
              RNNC_OK);
    ASSERT_EQ(rnnc_rt_params_init(kPaths, par(), params.size, 1, nullptr),
              RNNC_OK);
    static_cast<float *>(rnnc_rt_params_data(kPaths, par(), 0))[0] = 0.5f;
    ASSERT_EQ(
        rnnc_rt_prepare(ctx(), kPaths, par(), pre(), packed.size, nullptr),
        RNNC_OK);
    ASSERT_EQ(rnnc_rt_stream_init(ctx(), kPaths, par(), str(), stream.size,
                                  rows, nullptr),
              RNNC_OK);
    words[0] = 3, words[1] = 4;
    x[0] = 2, x[2] = 6;
    out[0] = out[1] = -7;
    args[0] = words;
    args[1] = stepping ? out : x;
    args[2] = out;
    call = blankCall();
    call.params = par();
    call.prepared = pre();
    call.stream = stepping ? str() : nullptr;
    call.batch = rows;
    call.args = args;
    call.num_args = stepping ? 2 : 3;
    call.error = &error;
    call.workspace = workspace.data;
    call.workspace_bytes =
        rnnc_rt_prepared_workspace_size(ctx(), kPaths, function, rows, nullptr);
    ASSERT_LE(call.workspace_bytes + 64, workspace.size);
  }

  Outcome outcomeOf(int32_t function, int32_t rows, const Change &change) {
    SetUpFor(function, rows);
    change();
    memset(&error, 0x5a, sizeof(error));
    Outcome o;
    o.status = rnnc_rt_call(ctx(), kPaths, function, &call);
    o.error = error;
    memcpy(o.out, out, sizeof(out));
    o.stream.assign(stream.data, stream.data + stream.size);
    return o;
  }

  bool goesStraight(int32_t function) {
    const FunctionDesc &f = moduleAt(kPaths)->functions[function];
    return straightCall(ctx(), 0, kPaths, f, &call);
  }

  /// Both ways give the same; `straight`: whether the short one is taken.
  void same(int32_t function, const char *what, bool straight,
            const Change &change, int32_t rows = 1) {
    SCOPED_TRACE(std::string(what) +
                 (function == kMix ? " (mix)" : " (count)"));
    Outcome along = outcomeOf(function + 1, rows, change);
    EXPECT_EQ(outcomeOf(function, rows, change), along);
    EXPECT_TRUE(along.status == RNNC_OK || !straight);
    if (!variantGone) {
      SetUpFor(function, rows);
      change();
      EXPECT_EQ(goesStraight(function), straight);
      if (!straight) {
        EXPECT_EQ(out[0], -7)
            << "something was written before the call went the long way";
      }
    }
    variantGone = false;
  }
  void same(const char *what, bool straight, const Change &change) {
    same(kMix, what, straight, change);
    same(kCount, what, straight, change);
  }

  rnnc_context *ctx() { return context.as<rnnc_context>(); }
  rnnc_params *par() { return params.as<rnnc_params>(); }
  rnnc_prepared *pre() { return packed.as<rnnc_prepared>(); }
  rnnc_stream *str() { return stream.as<rnnc_stream>(); }
  template <typename Object> Object *moved(Object *object, size_t bytes) {
    return reinterpret_cast<Object *>(reinterpret_cast<char *>(object) + bytes);
  }

  Memory context{rnnc_rt_context_size()}, params{rnnc_rt_params_size(kPaths)};
  Memory packed{4096}, stream{rnnc_rt_stream_size(kPaths, 2)}, workspace{4096};
  int32_t words[2];
  float x[4], out[2];
  void *args[3];
  bool stepping = false, variantGone = false;
  rnnc_error error;
  rnnc_call call;
};

TEST_F(StraightTest, TheSameResults) {
  same("nothing wrong", true, [] {});
  EXPECT_EQ(outcomeOf(kMix, 1, [] {}).out[0], 5 * 3 + 0.5f * 2 + 1);
  same("no params", true, [&] { call.params = nullptr; });
  same("no place for errors", true, [&] { call.error = nullptr; });
  same("workspace at any address", true,
       [&] { call.workspace = workspace.data + 1; });
  same(kMix, "more rows", true, [] {}, 2);
  same(kCount, "more rows", false, [] {}, 2);
  same(kMix, "nothing packed", false, [&] {
    call.prepared = nullptr;
    call.workspace_bytes = 4000;
  });
  same(kCount, "nothing packed", true, [&] { call.prepared = nullptr; });
  same(kMix, "a missing optional", false, [&] { args[1] = nullptr; });
  same(kCount, "a stream that goes on", true, [&] {
    EXPECT_EQ(rnnc_rt_call(ctx(), kPaths, kCountLong, &call), RNNC_OK);
    words[0] = 1;
    out[0] = -7;
  });
}

TEST_F(StraightTest, TheSameRefusals) {
  for (int32_t function : {kMix, kCount})
    for (int i = 0; i < (function == kMix ? 3 : 2); ++i) {
      same(function, "a missing argument", false,
           [&, i] { args[i] = nullptr; });
      same(function, "a misaligned argument", false,
           [&, i] { args[i] = moved(static_cast<char *>(args[i]), 1); });
    }
  for (int32_t word : {-1, 5, INT32_MIN})
    same("a word of another alphabet", false, [&, word] { words[0] = word; });
  same(kMix, "a word of the second row", false, [&] { words[1] = 5; }, 2);
  same("no arguments", false, [&] { call.args = nullptr; });
  same("another number of arguments", false, [&] { ++call.num_args; });
  same("times", false, [&] { call.num_times = 1; });
  same("no rows", false, [&] { call.batch = 0; });
  same("fewer than no rows", false, [&] { call.batch = -1; });
  same("no workspace", false, [&] { call.workspace = nullptr; });
  // Less than the size that is asked for, which has room for what is NULL.
  auto least = [&] {
    return size_t(stepping ? 384 + 64 : alignUp(64 + 100) + 64);
  };
  same("just enough", true, [&] { call.workspace_bytes = least(); });
  same("a byte too few", false, [&] { call.workspace_bytes = least() - 1; });
  same("no workspace at all", false, [&] { call.workspace_bytes = 0; });
}

TEST_F(StraightTest, TheSameObjects) {
  same("neither params nor prepared", false,
       [&] { call.params = nullptr, call.prepared = nullptr; });
  same("misaligned params", false, [&] { call.params = moved(par(), 8); });
  same("misaligned prepared", false, [&] { call.prepared = moved(pre(), 8); });
  same("blank params", false, [&] { memset(params.data, 0, 8); });
  same("blank prepared", false, [&] { memset(packed.data, 0, 8); });
  same("params of another module", false, [&] {
    EXPECT_EQ(rnnc_rt_params_init(kToy, par(), params.size, 1, nullptr),
              RNNC_OK);
  });
  same("prepared of other code", false,
       [&] { packed.as<Header>()->variant = 1; });
  same("prepared of other params", false,
       [&] { packed.as<Header>()->of = words; });
  same("prepared of old params", false, [&] {
    EXPECT_EQ(rnnc_rt_params_init(kPaths, par(), params.size, 2, nullptr),
              RNNC_OK);
  });
  same("a context that is finished", false, [&] {
    rnnc_rt_context_finish(ctx());
    variantGone = true;
  });
  same(kMix, "a carry of nothing", false,
       [&] { call.carry = reinterpret_cast<rnnc_carry *>(words); });
  same(kCount, "a carry is not looked at", true,
       [&] { call.carry = reinterpret_cast<rnnc_carry *>(words); });
  same(kMix, "a stream is not looked at", true,
       [&] { call.stream = reinterpret_cast<rnnc_stream *>(words); });
  same(kCount, "no stream", false, [&] { call.stream = nullptr; });
  same(kCount, "a misaligned stream", false,
       [&] { call.stream = moved(str(), 16); });
  same(kCount, "no stream yet", false, [&] { memset(stream.data, 0, 8); });
  same(kCount, "a stream of more rows", false, [&] {
    EXPECT_EQ(rnnc_rt_stream_init(ctx(), kPaths, par(), str(), stream.size, 2,
                                  nullptr),
              RNNC_OK);
  });
  for (int32_t prev : {-1, 5})
    same(kCount, "a damaged stream", false,
         [&, prev] { memcpy(stream.data + prevOffset(1), &prev, 4); });
}

TEST_F(StraightTest, FloatStateOfTheCaller) {
  SetUpFor(kMix, 1);
  const FloatState before = FloatState::current();
  FloatState odd = before;
#if defined(__x86_64__)
  odd.mxcsr = 0x1f80 | 0x4000 | 0x20; // rounding up, a flag that sticks
#else
  odd.control = 1u << 22;
#endif
  odd.set();
  int32_t status = rnnc_rt_call(ctx(), kPaths, kMix, &call);
  const FloatState after = FloatState::current();
  before.set();
  EXPECT_EQ(status, RNNC_OK);
  EXPECT_TRUE(after == odd);
}

} // namespace
