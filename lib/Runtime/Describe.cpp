// Describe.cpp: the library as a table of functions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Runtime.h"

#include <string.h>

using namespace rnnc::rt;

const char *rnnc_rt_manifest(void) { return rnnc_rt_library.manifest; }

int32_t rnnc_rt_abi_version(void) { return RNNC_ABI_VERSION; }

int32_t rnnc_rt_describe(rnnc_library *library) {
  if (!library || library->size < kLibraryBytes)
    return RNNC_ERR_ARGUMENT;
  const GpuDesc *gpu = rnnc_rt_library.gpu;
  const rnnc_library whole = {
      .size = sizeof(rnnc_library),
      .abi_version = RNNC_ABI_VERSION,
      .manifest = rnnc_rt_library.manifest,
      .strerror = rnnc_rt_strerror,
      .context_size = rnnc_rt_context_size,
      .context_init = rnnc_rt_context_init,
      .context_finish = rnnc_rt_context_finish,
      .context_variant = rnnc_rt_context_variant,
      .params_size = rnnc_rt_params_size,
      .params_init = rnnc_rt_params_init,
      .params_data = rnnc_rt_params_data,
      .params_data_const = rnnc_rt_params_data_const,
      .params_load = rnnc_rt_params_load,
      .prepared_size = rnnc_rt_prepared_size,
      .prepare = rnnc_rt_prepare,
      .optimizer_size = rnnc_rt_optimizer_size,
      .optimizer_init = rnnc_rt_optimizer_init,
      .optimizer_slot = rnnc_rt_optimizer_slot,
      .optimizer_slot_const = rnnc_rt_optimizer_slot_const,
      .optimizer_counters = rnnc_rt_optimizer_counters,
      .optimizer_counters_const = rnnc_rt_optimizer_counters_const,
      .carry_size = rnnc_rt_carry_size,
      .carry_init = rnnc_rt_carry_init,
      .stream_size = rnnc_rt_stream_size,
      .stream_init = rnnc_rt_stream_init,
      .stream_state = rnnc_rt_stream_state,
      .stream_state_const = rnnc_rt_stream_state_const,
      .stream_reset = rnnc_rt_stream_reset,
      .stream_copy = rnnc_rt_stream_copy,
      .workspace_size = rnnc_rt_workspace_size,
      .prepared_workspace_size = rnnc_rt_prepared_workspace_size,
      .call = rnnc_rt_call,
      .params_save_size = rnnc_rt_params_save_size,
      .params_save = rnnc_rt_params_save,
      .params_baked = rnnc_rt_params_baked,
      .params_init_baked = rnnc_rt_params_init_baked,
      .stream_load = rnnc_rt_stream_load,
      .carry_state = rnnc_rt_carry_state,
      .gpu_keep = gpu ? reinterpret_cast<decltype(library->gpu_keep)>(gpu->keep)
                      : nullptr,
      .gpu_fetch =
          gpu ? reinterpret_cast<decltype(library->gpu_fetch)>(gpu->fetch)
              : nullptr};
  size_t asked = library->size < sizeof(whole) ? library->size : sizeof(whole);
  // Half a pointer is none.
  size_t filled = asked / sizeof(void *) * sizeof(void *);
  memcpy(static_cast<void *>(library), &whole, filled);
  library->size = filled;
  return RNNC_OK;
}
