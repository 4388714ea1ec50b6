// Kernels.h: runtime functions that generated code calls.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
#ifndef RNNC_RUNTIME_KERNELS_H
#define RNNC_RUNTIME_KERNELS_H

#include <stdint.h>

extern "C" {

/// Calls body(data, i) for every i in [0, n), on the threads of the context if
/// they help. `run` is the last argument of every entry. `work` estimates what
/// all of it takes, in vector operations: some third of a nanosecond each.
void rnnc_rt_parallel_for(void *run, int64_t n,
                          void (*body)(void *data, int64_t i), void *data,
                          int64_t work);

/// Calls body(data, from, to) for parts of a loop of `trips` trips, at most
/// `tasks` of about the same size, as rnnc_rt_parallel_for does.
void rnnc_rt_cut_loop(void *run, int64_t trips, int64_t tasks,
                      void (*body)(void *data, int64_t from, int64_t to),
                      void *data, int64_t work);

/// How many threads help with tasks: 1 if none does but the caller. Of a
/// caller's own task function nothing is known: 2.
int64_t rnnc_rt_members(void *run);

/// Uniform numbers in [0, 1): out[i], i < n, is element first + i of the
/// draw at (site, row, step). key = {seed, update number}. The same numbers in
/// both precisions: (u >> 8) * 2^-24 of Philox4x32-10.
void rnnc_rt_philox_uniform_f32(const int64_t *key, int64_t site, int64_t row,
                                int64_t step, int64_t first, int64_t n,
                                float *out);
void rnnc_rt_philox_uniform_f64(const int64_t *key, int64_t site, int64_t row,
                                int64_t step, int64_t first, int64_t n,
                                double *out);
}

#endif // RNNC_RUNTIME_KERNELS_H
