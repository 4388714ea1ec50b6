// DriverTest.cpp: the entries of the stand-in driver, in its shared library.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Cuda.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

static const char *const kText = R"(.version 7.0
.target sm_80
.address_size 64
.global .b32 count;
.extern .shared .align 16 .b8 s[];
.visible .entry add(.param .u64 .ptr .global .align 16 p, .param .f32 by)
.reqntid 64, 1, 1
{
  .reg .b32 %r<4>; .reg .b64 %rd<4>; .reg .f32 %f<4>;
  ld.param.u64 %rd1, [p];
  ld.param.f32 %f1, [by];
  mov.u32 %r1, %tid.x;
  mad.wide.u32 %rd2, %r1, 4, %rd1;
  ld.global.f32 %f2, [%rd2];
  add.rn.f32 %f2, %f2, %f1;
  st.global.f32 [%rd2], %f2;
  red.global.add.u32 [count], 1;
  ret;
}
.visible .entry dynamic(.param .u64 p)
{
  .reg .b32 %r<2>; .reg .b64 %rd<2>;
  ld.param.u64 %rd1, [p];
  mov.b32 %r1, %dynamic_smem_size;
  st.shared.b32 [s+60000], %r1;
  st.global.b32 [%rd1], %r1;
  ret;
}
)";

namespace {

class Driver : public testing::Test {
protected:
  void SetUp() override {
    ASSERT_EQ(cuInit(0), 0);
    ASSERT_EQ(cuDevicePrimaryCtxRetain(&context, 0), 0);
    ASSERT_EQ(cuCtxSetCurrent(context), 0);
    ASSERT_EQ(cuModuleLoadDataEx(&module, kText, 0, nullptr, nullptr), 0);
    ASSERT_EQ(cuModuleGetFunction(&add, module, "add"), 0);
    ASSERT_EQ(cuMemAlloc_v2(&buffer, 256), 0);
    ASSERT_EQ(cuMemsetD32_v2(buffer, 0x40000000, 64), 0);
  }
  void TearDown() override {
    unsetenv("RNNC_PTX_FAIL");
    unsetenv("RNNC_PTX_NO_COOPERATIVE");
    cuInit(0);
    cuModuleUnload(module);
    cuMemFree_v2(buffer);
    cuCtxSetCurrent(nullptr);
    cuDevicePrimaryCtxRelease_v2(0);
  }
  int launch(CUdeviceptr at, unsigned threads = 64, bool isCooperative = false,
             unsigned blocks = 1) {
    float by = 1.5f;
    void *params[] = {&at, &by};
    return isCooperative ? cuLaunchCooperativeKernel(add, blocks, 1, 1, threads,
                                                     1, 1, 0, nullptr, params)
                         : cuLaunchKernel(add, blocks, 1, 1, threads, 1, 1, 0,
                                          nullptr, params, nullptr);
  }
  /// From the next cuInit on.
  void set(const char *name, const char *value) {
    setenv(name, value, 1);
    ASSERT_EQ(cuInit(0), 0);
  }

  CUcontext context = nullptr;
  CUmodule module = nullptr;
  CUfunction add = nullptr;
  CUdeviceptr buffer = 0;
};

TEST_F(Driver, SaysWhatItIs) {
  char name[64];
  int value = 0;
  size_t bytes = 0;
  EXPECT_EQ(cuDeviceGetName(name, 64, 0), 0);
  EXPECT_STREQ(name, "rnnc PTX interpreter (no GPU)");
  EXPECT_EQ(cuDeviceGetCount(&value), 0);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(cuDeviceGetAttribute(&value, 10, 0), 0);
  EXPECT_EQ(value, 32);
  EXPECT_EQ(cuDeviceGetAttribute(&value, 95, 0), 0);
  EXPECT_EQ(value, 1);
  EXPECT_EQ(cuDeviceGetAttribute(&value, 9999, 0), 1);
  EXPECT_EQ(cuDeviceTotalMem_v2(&bytes, 0), 0);
  EXPECT_EQ(bytes, size_t(4) << 30);
  EXPECT_EQ(cuDriverGetVersion(&value), 0);
  EXPECT_GE(value, 12000);
  CUdevice device = 7;
  EXPECT_EQ(cuDeviceGet(&device, 1), 101);
  EXPECT_EQ(cuDeviceGet(&device, 0), 0);
  EXPECT_EQ(device, 0);
}

TEST_F(Driver, Runs) {
  ASSERT_EQ(launch(buffer), 0);
  EXPECT_EQ(cuCtxSynchronize(), 0);
  float got[64];
  ASSERT_EQ(cuMemcpyDtoH_v2(got, buffer, 256), 0);
  for (float value : got)
    EXPECT_EQ(value, 3.5f);
  CUdeviceptr count = 0;
  size_t bytes = 0;
  ASSERT_EQ(cuModuleGetGlobal_v2(&count, &bytes, module, "count"), 0);
  EXPECT_EQ(bytes, 4u);
  int counted = 0;
  ASSERT_EQ(cuMemcpyDtoH_v2(&counted, count, 4), 0);
  EXPECT_EQ(counted, 64);
}

TEST_F(Driver, SharedMemory) {
  CUfunction dynamic = nullptr;
  ASSERT_EQ(cuModuleGetFunction(&dynamic, module, "dynamic"), 0);
  void *params[] = {&buffer};
  auto with = [&](unsigned shared) {
    return cuLaunchKernel(dynamic, 1, 1, 1, 1, 1, 1, shared, nullptr, params,
                          nullptr);
  };
  EXPECT_EQ(with(64000), 1);
  EXPECT_EQ(cuFuncSetAttribute(dynamic, 8, 1 << 20), 1);
  EXPECT_EQ(cuFuncSetAttribute(dynamic, 8, 64000), 0);
  EXPECT_EQ(with(64000), 0);
  int value = 0;
  EXPECT_EQ(cuMemcpyDtoH_v2(&value, buffer, 4), 0);
  EXPECT_EQ(value, 64000);
  EXPECT_EQ(cuFuncGetAttribute(&value, 8, dynamic), 0);
  EXPECT_EQ(value, 64000);
  EXPECT_EQ(cuFuncGetAttribute(&value, 4, add), 0);
  EXPECT_GE(value, 16);
  EXPECT_EQ(
      cuOccupancyMaxActiveBlocksPerMultiprocessor(&value, dynamic, 32, 64000),
      0);
  EXPECT_EQ(value, 2);
}

TEST_F(Driver, RefusesLaunches) {
  EXPECT_EQ(launch(buffer, 32), 1);                 // .reqntid
  EXPECT_EQ(launch(buffer, 64, false, 0), 1);       // no blocks
  EXPECT_EQ(launch(buffer, 64, true, 100000), 720); // not all at once
  EXPECT_EQ(launch(buffer), 0);                     // nothing was harmed
  EXPECT_EQ(launch(buffer + 4), 716);               // .ptr .align 16
  EXPECT_EQ(cuCtxSynchronize(), 716);
}

TEST_F(Driver, FaultsStay) {
  EXPECT_EQ(launch(buffer + 16), 700);
  EXPECT_EQ(cuCtxSynchronize(), 700);
  EXPECT_EQ(launch(buffer), 700);
  // Until the context is given up.
  EXPECT_EQ(cuDevicePrimaryCtxRelease_v2(0), 0);
  EXPECT_EQ(cuDevicePrimaryCtxRetain(&context, 0), 0);
  EXPECT_EQ(cuCtxSynchronize(), 0);
  EXPECT_EQ(cuModuleUnload(module), 400);
}

TEST_F(Driver, RefusesModules) {
  char info[100] = "?", log[100] = "?";
  int options[] = {3, 4, 5, 6};
  void *values[] = {info, reinterpret_cast<void *>(100), log,
                    reinterpret_cast<void *>(100)};
  CUmodule other = nullptr;
  std::string text(kText);
  EXPECT_EQ(cuModuleLoadDataEx(
                &other, text.replace(text.find("add.rn"), 6, "odd.rn").c_str(),
                4, options, values),
            218);
  EXPECT_STREQ(log, "line 15: `odd.rn.f32`: is not known here");
  EXPECT_STREQ(info, "");
  EXPECT_EQ(cuModuleLoadDataEx(&other, "\177ELF", 0, nullptr, nullptr), 200);
  EXPECT_EQ(cuModuleLoadDataEx(&other, ".version 55.0\n", 0, nullptr, nullptr),
            222);
  EXPECT_EQ(cuModuleLoadDataEx(&other, ".version 8.0\n.target sm_120\n", 0,
                               nullptr, nullptr),
            218);
  CUfunction function = nullptr;
  EXPECT_EQ(cuModuleGetFunction(&function, module, "nothing"), 500);
}

TEST_F(Driver, Memory) {
  std::vector<char> host(256, 7);
  EXPECT_EQ(cuMemcpyHtoD_v2(buffer, host.data(), 257), 1);
  EXPECT_EQ(cuMemcpyHtoD_v2(buffer + 200, host.data(), 57), 1);
  EXPECT_EQ(cuMemcpyHtoD_v2(buffer, host.data(), 256), 0);
  CUdeviceptr other = 0;
  EXPECT_EQ(cuMemAlloc_v2(&other, 0), 1);
  EXPECT_EQ(cuMemAlloc_v2(&other, size_t(1) << 40), 2);
  EXPECT_EQ(cuMemAlloc_v2(&other, 256), 0);
  EXPECT_EQ(cuMemcpyDtoDAsync_v2(other, buffer, 256, nullptr), 0);
  EXPECT_EQ(cuMemsetD8Async(other, 9, 1, nullptr), 0);
  EXPECT_EQ(cuMemcpyDtoHAsync_v2(host.data(), other, 256, nullptr), 0);
  EXPECT_EQ(host[0], 9);
  EXPECT_EQ(host[255], 7);
  EXPECT_EQ(cuMemFree_v2(other + 1), 1);
  EXPECT_EQ(cuMemFree_v2(other), 0);
  EXPECT_EQ(cuMemFree_v2(other), 1);
}

TEST_F(Driver, StreamsAndEvents) {
  CUstream stream = nullptr;
  CUevent start = nullptr, end = nullptr;
  float time = -1;
  EXPECT_EQ(cuStreamCreate(&stream, 1), 0);
  EXPECT_EQ(cuEventCreate(&start, 0), 0);
  EXPECT_EQ(cuEventCreate(&end, 0), 0);
  EXPECT_EQ(cuEventElapsedTime(&time, start, end), 400);
  EXPECT_EQ(cuEventRecord(start, stream), 0);
  EXPECT_EQ(cuEventRecord(end, stream), 0);
  EXPECT_EQ(cuEventSynchronize(end), 0);
  EXPECT_EQ(cuEventElapsedTime(&time, start, end), 0);
  EXPECT_GE(time, 0);
  EXPECT_EQ(cuEventDestroy_v2(start), 0);
  EXPECT_EQ(cuEventDestroy_v2(end), 0);
  EXPECT_EQ(cuStreamSynchronize(stream), 0);
  EXPECT_EQ(cuStreamDestroy_v2(stream), 0);
  EXPECT_EQ(cuStreamDestroy_v2(stream), 400);
}

TEST_F(Driver, FailsOnPurpose) {
  set("RNNC_PTX_FAIL", "cuMemAlloc_v2:1000=2,cuStreamCreate=801");
  CUstream stream = nullptr;
  EXPECT_EQ(cuStreamCreate(&stream, 0), 801);
  int code = 0;
  for (int call = 0; call < 1000 && !code; ++call) {
    CUdeviceptr other = 0;
    code = cuMemAlloc_v2(&other, 16);
    if (!code)
      cuMemFree_v2(other);
  }
  EXPECT_EQ(code, 2);
  set("RNNC_PTX_NO_COOPERATIVE", "1");
  int value = 1;
  EXPECT_EQ(cuDeviceGetAttribute(&value, 95, 0), 0);
  EXPECT_EQ(value, 0);
  EXPECT_EQ(launch(buffer, 64, true), 801);
}

TEST_F(Driver, NeedsAContext) {
  CUcontext popped = nullptr;
  EXPECT_EQ(cuCtxPopCurrent_v2(&popped), 0);
  EXPECT_EQ(popped, context);
  EXPECT_EQ(cuCtxSynchronize(), 201);
  EXPECT_EQ(launch(buffer), 201);
  EXPECT_EQ(cuCtxPushCurrent_v2(context), 0);
  EXPECT_EQ(cuCtxGetCurrent(&popped), 0);
  EXPECT_EQ(popped, context);
  const char *text = nullptr;
  EXPECT_EQ(cuGetErrorName(700, &text), 0);
  EXPECT_STREQ(text, "CUDA_ERROR_ILLEGAL_ADDRESS");
  EXPECT_EQ(cuGetErrorString(12345, &text), 1);
}

} // namespace
