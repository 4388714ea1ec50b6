// Cuda.h: the part of the driver's binary interface that the stand-in has.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_TEST_GPU_CUDA_H
#define RNNC_TEST_GPU_CUDA_H

#include <cstddef>

#define PTX_EXPORT extern "C" __attribute__((visibility("default")))

using CUresult = int;
using CUdevice = int;
using CUdeviceptr = unsigned long long;
struct CUctx_st;
struct CUmod_st;
struct CUfunc_st;
struct CUstream_st;
struct CUevent_st;
using CUcontext = CUctx_st *;
using CUmodule = CUmod_st *;
using CUfunction = CUfunc_st *;
using CUstream = CUstream_st *;
using CUevent = CUevent_st *;

// NOLINTBEGIN(readability-identifier-naming): the driver's names
PTX_EXPORT CUresult cuInit(unsigned flags);
PTX_EXPORT CUresult cuDriverGetVersion(int *version);
PTX_EXPORT CUresult cuDeviceGetCount(int *count);
PTX_EXPORT CUresult cuDeviceGet(CUdevice *device, int ordinal);
PTX_EXPORT CUresult cuDeviceGetName(char *name, int length, CUdevice device);
PTX_EXPORT CUresult cuDeviceGetAttribute(int *value, int attribute,
                                         CUdevice device);
PTX_EXPORT CUresult cuDeviceTotalMem_v2(size_t *bytes, CUdevice device);
PTX_EXPORT CUresult cuDevicePrimaryCtxRetain(CUcontext *context,
                                             CUdevice device);
PTX_EXPORT CUresult cuDevicePrimaryCtxRelease_v2(CUdevice device);
PTX_EXPORT CUresult cuCtxSetCurrent(CUcontext context);
PTX_EXPORT CUresult cuCtxGetCurrent(CUcontext *context);
PTX_EXPORT CUresult cuCtxPushCurrent_v2(CUcontext context);
PTX_EXPORT CUresult cuCtxPopCurrent_v2(CUcontext *context);
PTX_EXPORT CUresult cuCtxSynchronize(void);
PTX_EXPORT CUresult cuMemAlloc_v2(CUdeviceptr *pointer, size_t bytes);
PTX_EXPORT CUresult cuMemFree_v2(CUdeviceptr pointer);
PTX_EXPORT CUresult cuMemcpyHtoD_v2(CUdeviceptr to, const void *from,
                                    size_t bytes);
PTX_EXPORT CUresult cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes);
PTX_EXPORT CUresult cuMemcpyDtoD_v2(CUdeviceptr to, CUdeviceptr from,
                                    size_t bytes);
PTX_EXPORT CUresult cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from,
                                         size_t bytes, CUstream stream);
PTX_EXPORT CUresult cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from,
                                         size_t bytes, CUstream stream);
PTX_EXPORT CUresult cuMemcpyDtoDAsync_v2(CUdeviceptr to, CUdeviceptr from,
                                         size_t bytes, CUstream stream);
PTX_EXPORT CUresult cuMemsetD8_v2(CUdeviceptr to, unsigned char value,
                                  size_t count);
PTX_EXPORT CUresult cuMemsetD32_v2(CUdeviceptr to, unsigned value,
                                   size_t count);
PTX_EXPORT CUresult cuMemsetD8Async(CUdeviceptr to, unsigned char value,
                                    size_t count, CUstream stream);
PTX_EXPORT CUresult cuMemsetD32Async(CUdeviceptr to, unsigned value,
                                     size_t count, CUstream stream);
PTX_EXPORT CUresult cuModuleLoadDataEx(CUmodule *module, const void *image,
                                       unsigned numOptions, int *options,
                                       void **values);
PTX_EXPORT CUresult cuModuleUnload(CUmodule module);
PTX_EXPORT CUresult cuModuleGetFunction(CUfunction *function, CUmodule module,
                                        const char *name);
PTX_EXPORT CUresult cuModuleGetGlobal_v2(CUdeviceptr *pointer, size_t *bytes,
                                         CUmodule module, const char *name);
PTX_EXPORT CUresult cuFuncSetAttribute(CUfunction function, int attribute,
                                       int value);
PTX_EXPORT CUresult cuFuncGetAttribute(int *value, int attribute,
                                       CUfunction function);
PTX_EXPORT CUresult cuOccupancyMaxActiveBlocksPerMultiprocessor(
    int *blocks, CUfunction function, int threads, size_t dynamicShared);
PTX_EXPORT CUresult cuLaunchKernel(CUfunction function, unsigned gridX,
                                   unsigned gridY, unsigned gridZ,
                                   unsigned blockX, unsigned blockY,
                                   unsigned blockZ, unsigned sharedBytes,
                                   CUstream stream, void **params,
                                   void **extra);
PTX_EXPORT CUresult cuLaunchCooperativeKernel(CUfunction function,
                                              unsigned gridX, unsigned gridY,
                                              unsigned gridZ, unsigned blockX,
                                              unsigned blockY, unsigned blockZ,
                                              unsigned sharedBytes,
                                              CUstream stream, void **params);
PTX_EXPORT CUresult cuStreamCreate(CUstream *stream, unsigned flags);
PTX_EXPORT CUresult cuStreamDestroy_v2(CUstream stream);
PTX_EXPORT CUresult cuStreamSynchronize(CUstream stream);
PTX_EXPORT CUresult cuEventCreate(CUevent *event, unsigned flags);
PTX_EXPORT CUresult cuEventRecord(CUevent event, CUstream stream);
PTX_EXPORT CUresult cuStreamWaitEvent(CUstream stream, CUevent event,
                                      unsigned flags);
PTX_EXPORT CUresult cuEventSynchronize(CUevent event);
PTX_EXPORT CUresult cuEventElapsedTime(float *milliseconds, CUevent start,
                                       CUevent end);
PTX_EXPORT CUresult cuEventDestroy_v2(CUevent event);
PTX_EXPORT CUresult cuGetErrorName(CUresult error, const char **text);
PTX_EXPORT CUresult cuGetErrorString(CUresult error, const char **text);
// NOLINTEND(readability-identifier-naming)

#endif
