// CallTest.cpp: checks before a call, places in the workspace, prepared
// weights. SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Tables.h"

#include <gtest/gtest.h>

using namespace rnnc::rt;
using namespace rnnc::rt::test;

namespace {

class CallTest : public testing::Test {
protected:
  CallTest()
      : context(rnnc_rt_context_size()), params(rnnc_rt_params_size(kToy)) {
    EXPECT_EQ(rnnc_rt_context_init(ctx(), context.size, nullptr, nullptr),
              RNNC_OK);
    EXPECT_EQ(rnnc_rt_params_init(kToy, par(), params.size, 1, nullptr),
              RNNC_OK);
    weights()[0] = 0.5f;
    call.params = par();
    call.num_times = 1;
    call.times = &time;
    call.batch = 2;
    call.args = args;
    call.num_args = kSumArgs;
    call.error = &error;
    args[1] = words;
    args[2] = out;
  }
  ~CallTest() override { rnnc_rt_context_finish(ctx()); }

  rnnc_context *ctx() { return context.as<rnnc_context>(); }
  rnnc_params *par() { return params.as<rnnc_params>(); }
  float *weights() {
    return static_cast<float *>(rnnc_rt_params_data(kToy, par(), 0));
  }

  int32_t run(int32_t function = kSum) {
    size_t bytes =
        rnnc_rt_workspace_size(ctx(), kToy, function, call.batch, &time);
    Memory workspace{bytes ? bytes : 64};
    call.workspace = workspace.data;
    call.workspace_bytes = workspace.size;
    int32_t status = rnnc_rt_call(ctx(), kToy, function, &call);
    EXPECT_TRUE(workspace.intact());
    return status;
  }

  Memory context, params;
  int32_t time = 3, words[6] = {1, 2, 3, 4, 0, 1}, lengths[2] = {3, 1};
  float out[2] = {};
  void *args[kSumArgs] = {};
  rnnc_error error = {};
  rnnc_call call = blankCall();
};

TEST_F(CallTest, PacksInsideWithoutPrepared) {
  ASSERT_EQ(run(), RNNC_OK);
  EXPECT_EQ(out[0], 30); // 10 * 0.5 * (1 + 2 + 3)
  EXPECT_EQ(out[1], 25);
  EXPECT_EQ(error.status, RNNC_OK);
}

TEST_F(CallTest, LengthsBound) {
  args[0] = lengths;
  ASSERT_EQ(run(), RNNC_OK);
  EXPECT_EQ(out[1], 20);
  lengths[1] = 4;
  EXPECT_EQ(run(), RNNC_ERR_LENGTH);
  EXPECT_EQ(error.example, 1);
  EXPECT_EQ(error.value, 4);
  EXPECT_STREQ(error.message,
               "length 4 of example 1 is not in 0 ... 3 (axis T)");
  lengths[1] = -1;
  EXPECT_EQ(run(), RNNC_ERR_LENGTH);
}

TEST_F(CallTest, IndicesBound) {
  words[4] = 5;
  EXPECT_EQ(run(), RNNC_ERR_INDEX);
  EXPECT_EQ(error.argument, 1);
  EXPECT_EQ(error.example, 1);
  EXPECT_EQ(error.step, 1);
  EXPECT_EQ(error.value, 5);
  EXPECT_STREQ(error.name, "words");
  EXPECT_STREQ(error.message,
               "`words` is 5 in example 1, step 1: not in 0 ... 4");
  args[0] = lengths; // now it is padding
  EXPECT_EQ(run(), RNNC_OK);
  words[0] = -7;
  call.error = nullptr;
  EXPECT_EQ(run(), RNNC_ERR_INDEX);
}

TEST_F(CallTest, NothingToPointAt) {
  args[0] = lengths;
  EXPECT_EQ(run(kPick), RNNC_OK);
  lengths[0] = 0;
  EXPECT_EQ(run(kSum), RNNC_OK);
  EXPECT_EQ(out[0], 0);
  EXPECT_EQ(run(kPick), RNNC_ERR_EMPTY);
  EXPECT_EQ(error.example, 0);
  args[0] = nullptr;
  time = 0;
  EXPECT_EQ(run(kPick), RNNC_ERR_EMPTY);
  call.batch = 0;
  EXPECT_EQ(run(kPick), RNNC_OK);
}

TEST_F(CallTest, WrongCalls) {
  args[1] = nullptr;
  EXPECT_EQ(run(), RNNC_ERR_ARGUMENT);
  EXPECT_STREQ(error.message, "the argument `words` is NULL");
  args[1] = words;
  call.num_args = 2;
  EXPECT_EQ(run(), RNNC_ERR_ARGUMENT);
  call.num_args = kSumArgs;
  call.batch = -1;
  EXPECT_EQ(run(), RNNC_ERR_ARGUMENT);
  call.batch = 2;
  EXPECT_EQ(rnnc_rt_call(ctx(), kToy, 9, &call), RNNC_ERR_UNSUPPORTED);
  EXPECT_EQ(rnnc_rt_call(ctx(), 7, kSum, &call), RNNC_ERR_UNSUPPORTED);
  EXPECT_EQ(rnnc_rt_call(nullptr, kToy, kSum, &call), RNNC_ERR_ARGUMENT);
  EXPECT_EQ(rnnc_rt_workspace_size(ctx(), kToy, kSum, 1, nullptr), 0u);
  EXPECT_EQ(rnnc_rt_workspace_size(ctx(), kToy, kSum, -1, &time), 0u);
  char small[64];
  call.workspace = small;
  call.workspace_bytes = sizeof(small);
  EXPECT_EQ(rnnc_rt_call(ctx(), kToy, kSum, &call), RNNC_ERR_WORKSPACE);
  call.params = nullptr;
  EXPECT_EQ(run(), RNNC_ERR_ARGUMENT);
  EXPECT_STREQ(error.message, "`params` is NULL");
}

TEST_F(CallTest, PreparedIsUsed) {
  Memory prepared(rnnc_rt_prepared_size(ctx(), kToy));
  auto *object = prepared.as<rnnc_prepared>();
  EXPECT_EQ(
      rnnc_rt_prepare(ctx(), kToy, par(), object, prepared.size - 1, nullptr),
      RNNC_ERR_WORKSPACE);
  ASSERT_EQ(rnnc_rt_prepare(ctx(), kToy, par(), object, prepared.size, nullptr),
            RNNC_OK);
  EXPECT_TRUE(prepared.intact());
  call.prepared = object;
  // Written behind the library's back: not seen until it is prepared again.
  weights()[0] = 1;
  ASSERT_EQ(run(), RNNC_OK);
  EXPECT_EQ(out[0], 30);
  ASSERT_EQ(rnnc_rt_prepare(ctx(), kToy, par(), object, prepared.size, nullptr),
            RNNC_OK);
  ASSERT_EQ(run(), RNNC_OK);
  EXPECT_EQ(out[0], 60);
}

TEST_F(CallTest, StalePreparedIsRefused) {
  Memory prepared(rnnc_rt_prepared_size(ctx(), kToy)), other(params.size);
  auto *object = prepared.as<rnnc_prepared>();
  call.prepared = object;
  EXPECT_EQ(run(), RNNC_ERR_STATE);
  EXPECT_STREQ(error.message, "`prepared` was not prepared");
  ASSERT_EQ(rnnc_rt_prepare(ctx(), kToy, par(), object, prepared.size, nullptr),
            RNNC_OK);
  ASSERT_EQ(rnnc_rt_params_init(kToy, par(), params.size, 2, nullptr), RNNC_OK);
  EXPECT_EQ(run(), RNNC_ERR_STATE);
  EXPECT_STREQ(error.message,
               "the parameters have changed since `prepared` was made");
  ASSERT_EQ(rnnc_rt_params_init(kToy, other.as<rnnc_params>(), other.size, 1,
                                nullptr),
            RNNC_OK);
  call.params = other.as<rnnc_params>();
  EXPECT_EQ(run(), RNNC_ERR_STATE);
  EXPECT_STREQ(error.message, "`prepared` was made of other parameters");
}

TEST_F(CallTest, ModuleWithoutWeights) {
  Memory prepared(rnnc_rt_prepared_size(ctx(), kOther));
  Memory none(rnnc_rt_params_size(kOther));
  auto *object = prepared.as<rnnc_prepared>();
  EXPECT_EQ(rnnc_rt_params_init(kOther, none.as<rnnc_params>(), none.size, 0,
                                nullptr),
            RNNC_OK);
  EXPECT_EQ(
      rnnc_rt_prepare(ctx(), kOther, par(), object, prepared.size, nullptr),
      RNNC_ERR_STATE); // of the other module
  EXPECT_EQ(rnnc_rt_prepare(ctx(), kOther, none.as<rnnc_params>(), object,
                            prepared.size, nullptr),
            RNNC_OK);
  EXPECT_EQ(rnnc_rt_prepared_size(ctx(), kPaths + 1), 0u);
}

} // namespace
