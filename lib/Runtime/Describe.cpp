// Describe.cpp: the library as a table of functions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#include "Runtime.h"

const char *rnnc_rt_manifest(void) { return rnnc_rt_library.manifest; }

int32_t rnnc_rt_abi_version(void) { return RNNC_ABI_VERSION; }

void rnnc_rt_describe(rnnc_library *library) {
  if (!library)
    return;
  *library = rnnc_library{
      RNNC_ABI_VERSION,          rnnc_rt_library.manifest,
      rnnc_rt_strerror,          rnnc_rt_context_size,
      rnnc_rt_context_init,      rnnc_rt_context_finish,
      rnnc_rt_context_variant,   rnnc_rt_params_size,
      rnnc_rt_params_init,       rnnc_rt_params_data,
      rnnc_rt_params_load,       rnnc_rt_prepared_size,
      rnnc_rt_prepare,           rnnc_rt_optimizer_size,
      rnnc_rt_optimizer_init,    rnnc_rt_optimizer_slot,
      rnnc_rt_optimizer_counters, rnnc_rt_carry_size,
      rnnc_rt_carry_init,        rnnc_rt_stream_size,
      rnnc_rt_stream_init,       rnnc_rt_stream_state,
      rnnc_rt_workspace_size,    rnnc_rt_call,
      rnnc_rt_stream_reset,      rnnc_rt_stream_copy};
}
