// ObjectsTest.cpp: optimiser, carry and stream in the caller's memory.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tables.h"

#include <gtest/gtest.h>

using namespace rnnc::rt;
using namespace rnnc::rt::test;

namespace {

class StreamTest : public testing::Test {
protected:
  StreamTest()
      : context(rnnc_rt_context_size()), params(rnnc_rt_params_size(kToy)),
        stream(rnnc_rt_stream_size(kToy, 3)) {
    EXPECT_EQ(rnnc_rt_context_init(ctx(), context.size, nullptr, nullptr),
              RNNC_OK);
    EXPECT_EQ(rnnc_rt_params_init(kToy, par(), params.size, 1, nullptr),
              RNNC_OK);
    EXPECT_EQ(rnnc_rt_stream_init(ctx(), kToy, par(), at(stream), stream.size,
                                  3, nullptr),
              RNNC_OK);
  }
  ~StreamTest() override { rnnc_rt_context_finish(ctx()); }

  rnnc_context *ctx() { return context.as<rnnc_context>(); }
  rnnc_params *par() { return params.as<rnnc_params>(); }
  static rnnc_stream *at(Memory &memory) { return memory.as<rnnc_stream>(); }

  /// A step of every row; the states after it.
  std::vector<float> step(Memory &memory) {
    Memory workspace(rnnc_rt_workspace_size(ctx(), kToy, kStep, 3, nullptr));
    rnnc_call call = blankCall();
    call.params = par();
    call.stream = at(memory);
    call.batch = 3;
    call.workspace = workspace.data;
    call.workspace_bytes = workspace.size;
    EXPECT_EQ(rnnc_rt_call(ctx(), kToy, kStep, &call), RNNC_OK);
    StateView view;
    EXPECT_TRUE(streamView(kToy, at(memory), view));
    auto *states = reinterpret_cast<float *>(view.states);
    return {states, states + 3};
  }

  using Row = std::vector<float>;
  Memory context, params, stream;
};

TEST_F(StreamTest, GoesOn) {
  EXPECT_EQ(step(stream), Row({1, 1, 1}));
  EXPECT_EQ(step(stream), Row({2, 2, 2}));
  EXPECT_TRUE(stream.intact());
}

TEST_F(StreamTest, Reset) {
  step(stream);
  const int32_t rows[3] = {0, 1, 0};
  EXPECT_EQ(rnnc_rt_stream_reset(kToy, at(stream), rows, nullptr), RNNC_OK);
  EXPECT_EQ(step(stream), Row({2, 1, 2}));
  EXPECT_EQ(rnnc_rt_stream_reset(kToy, at(stream), nullptr, nullptr), RNNC_OK);
  EXPECT_EQ(step(stream), Row({1, 1, 1}));
  EXPECT_EQ(rnnc_rt_stream_reset(kOther, at(stream), nullptr, nullptr),
            RNNC_ERR_STATE);
}

TEST_F(StreamTest, Copy) {
  step(stream);
  Memory copy(stream.size);
  EXPECT_EQ(
      rnnc_rt_stream_copy(kToy, at(copy), copy.size - 1, at(stream), nullptr),
      RNNC_ERR_WORKSPACE);
  EXPECT_EQ(rnnc_rt_stream_copy(kToy, at(copy), copy.size, at(stream), nullptr),
            RNNC_OK);
  step(stream);
  EXPECT_EQ(step(copy), Row({2, 2, 2}));
  EXPECT_EQ(step(stream), Row({3, 3, 3}));
  Memory other(stream.size);
  EXPECT_EQ(rnnc_rt_stream_copy(kToy, at(copy), copy.size, at(other), nullptr),
            RNNC_ERR_STATE);
}

TEST_F(StreamTest, StatesMayBeWritten) {
  auto *state = static_cast<float *>(rnnc_rt_stream_state(kToy, at(stream), 0));
  ASSERT_NE(state, nullptr);
  state[2] = 10;
  EXPECT_EQ(step(stream), Row({1, 1, 11}));
  EXPECT_EQ(rnnc_rt_stream_state(kToy, at(stream), 1), nullptr);
}

TEST_F(StreamTest, Sizes) {
  EXPECT_GT(rnnc_rt_stream_size(kToy, 0), 0u);
  EXPECT_GT(rnnc_rt_stream_size(kToy, 100), rnnc_rt_stream_size(kToy, 1));
  EXPECT_EQ(rnnc_rt_stream_size(kToy, -1), 0u);
  EXPECT_EQ(rnnc_rt_stream_size(5, 1), 0u);
  EXPECT_EQ(rnnc_rt_stream_init(ctx(), kToy, par(), at(stream), stream.size - 1,
                                3, nullptr),
            RNNC_ERR_WORKSPACE);
  Memory carry(rnnc_rt_carry_size(kToy, 2));
  EXPECT_EQ(
      rnnc_rt_carry_init(kToy, carry.as<rnnc_carry>(), carry.size, 2, nullptr),
      RNNC_OK);
  StateView view;
  // A carry is no stream.
  EXPECT_FALSE(streamView(kToy, carry.as<rnnc_stream>(), view));
  EXPECT_TRUE(carryView(kToy, carry.as<rnnc_carry>(), view));
  EXPECT_EQ(view.batch, 2);
}

TEST(Optimizer, SlotsAndCounters) {
  Memory memory(rnnc_rt_optimizer_size(kToy));
  auto *optimizer = memory.as<rnnc_optimizer>();
  EXPECT_EQ(rnnc_rt_optimizer_counters(kToy, optimizer), nullptr);
  EXPECT_EQ(rnnc_rt_optimizer_init(kToy, optimizer, memory.size - 1, nullptr),
            RNNC_ERR_WORKSPACE);
  ASSERT_EQ(rnnc_rt_optimizer_init(kToy, optimizer, memory.size, nullptr),
            RNNC_OK);
  auto *slot = static_cast<float *>(rnnc_rt_optimizer_slot(kToy, optimizer, 0));
  ASSERT_NE(slot, nullptr);
  for (int i = 0; i < 32; ++i)
    EXPECT_EQ(slot[i], 0);
  EXPECT_EQ(rnnc_rt_optimizer_slot(kToy, optimizer, 1), nullptr);
  auto *counters = rnnc_rt_optimizer_counters(kToy, optimizer);
  EXPECT_EQ(counters->rate_scale, 1);
  EXPECT_EQ(counters->bad_parameter, -1);
}

TEST(Schedule, Formulas) {
  ModuleDesc m = {};
  rnnc_optimizer_counters c = {};
  c.rate_scale = 2;
  EXPECT_EQ(scheduleFactor(m, c), 2);
  m.schedule = ScheduleStep; // every 2, by 0.5, after 3
  m.scheduleA = 2, m.scheduleB = 0.5, m.scheduleC = 3;
  const double byEpoch[] = {2, 2, 2, 2, 2, 1, 1, 0.5};
  for (c.epoch = 0; c.epoch < 8; ++c.epoch)
    EXPECT_EQ(scheduleFactor(m, c), byEpoch[c.epoch]) << c.epoch;
  m.schedule = ScheduleCosine; // warm-up 4
  m.scheduleA = 4;
  c.rate_scale = 1;
  c.total_steps = 14;
  const double expected[] = {0.25, 0.5, 0.75, 1, 1};
  for (c.updates = 0; c.updates < 5; ++c.updates)
    EXPECT_NEAR(scheduleFactor(m, c), expected[c.updates], 1e-15);
  c.updates = 9;
  EXPECT_NEAR(scheduleFactor(m, c), 0.5, 1e-15);
  c.updates = 100;
  EXPECT_NEAR(scheduleFactor(m, c), 0, 1e-15);
  c.total_steps = 0; // not known
  EXPECT_EQ(scheduleFactor(m, c), 1);
}

// The numbers of PyTorch's OneCycleLR(max_lr = 5, div_factor = 5) over 20
// updates of a rate of 1: from the rate to the peak at 0.3 * 20 - 1, then down
// to 1e-4 at the last.
TEST(Schedule, OneCycle) {
  ModuleDesc m = {};
  rnnc_optimizer_counters c = {};
  c.rate_scale = 1;
  m.schedule = ScheduleOneCycle;
  m.scheduleA = 5;
  EXPECT_EQ(scheduleFactor(m, c), 1); // the total is not known
  c.total_steps = 20;
  EXPECT_NEAR(scheduleFactor(m, c), 1, 1e-15);
  c.updates = 5;
  EXPECT_NEAR(scheduleFactor(m, c), 5, 1e-15);
  c.updates = 12; // half way down
  EXPECT_NEAR(scheduleFactor(m, c), (5 + 1e-4) / 2, 1e-15);
  for (int64_t late : {19, 20, 1000}) {
    c.updates = late;
    EXPECT_NEAR(scheduleFactor(m, c), 1e-4, 1e-15) << late;
  }
  for (int64_t total : {1, 2, 3, 4}) // no room to rise
    for (c.total_steps = total, c.updates = 0; c.updates < 5; ++c.updates) {
      EXPECT_GE(scheduleFactor(m, c), 1e-4);
      EXPECT_LE(scheduleFactor(m, c), 5);
    }
}

} // namespace
