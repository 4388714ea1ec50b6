// RUN: rnn-opt %s --split-input-file --verify-diagnostics
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// expected-error @below {{kernel.targets is a list of #kernel.target}}
module attributes {kernel.targets = [1 : i64]} {}

// -----

// expected-error @below {{kernel.target is a #kernel.target}}
module attributes {kernel.target = "v3"} {}

// -----

// expected-error @below {{kernel.schedules has not one entry for each of kernel.targets}}
module attributes {kernel.schedules = [#kernel.schedule<"v3" tasks = 8>]} {}

// -----

// expected-error @below {{kernel.schedules has an entry for `v2` where one for `v3` is expected}}
module attributes {
  kernel.targets = [#kernel.target<"v3", vector_bits = 256, registers = 16, fma = true, l1 = 32768, l2 = 1048576>],
  kernel.schedules = [#kernel.schedule<"v2" tasks = 8>]} {}

// -----

// expected-error @below {{kernel.schedule is a #kernel.schedule}}
module attributes {kernel.schedule = 8 : i64} {}

// -----

// expected-error @below {{kernel.targets belongs to a module}}
func.func private @f() attributes {kernel.targets = []}

// -----

// expected-error @below {{kernel.name is a name}}
func.func private @f() attributes {kernel.name = 1 : i64}

// -----

// expected-error @below {{there is no decision `speed`}}
module attributes {kernel.schedule = #kernel.schedule<"v3" speed = 8>} {}

// -----

// expected-error @below {{tile_rows is 1 to 8, not 100}}
module attributes {kernel.schedule = #kernel.schedule<"v3" tile_rows = 100>} {}

// -----

// expected-error @below {{a schedule is for a target}}
module attributes {kernel.schedule = #kernel.schedule<"" tile_rows = 1>} {}

// -----

// expected-error @below {{vector_bits is 128, 256 or 512, not 96}}
module attributes {kernel.target = #kernel.target<"v3", vector_bits = 96, registers = 16, fma = true, l1 = 32768, l2 = 1048576>} {}

// -----

// expected-error @below {{registers are 8 to 64, not 2}}
module attributes {kernel.target = #kernel.target<"v3", vector_bits = 256, registers = 2, fma = true, l1 = 32768, l2 = 1048576>} {}

// -----

// expected-error @below {{caches have 4096 bytes or more}}
module attributes {kernel.target = #kernel.target<"v3", vector_bits = 256, registers = 16, fma = true, l1 = 1, l2 = 1048576>} {}

// -----

// expected-error @below {{a block is of whole warps, at most 1024 threads}}
// expected-error @below {{failed to parse Kernel_TargetAttr parameter 'gpu'}}
module attributes {kernel.target = #kernel.target<"x", vector_bits = 1024, registers = 255, fma = true, l1 = 32768, l2 = 1048576, gpu = <warp = 32, block = 100, processors = 1, registers = 65536, shared = 1>>} {}

// -----

// expected-error @below {{a GPU has processors, registers for the threads of a block, and shared memory}}
// expected-error @below {{failed to parse Kernel_TargetAttr parameter 'gpu'}}
module attributes {kernel.target = #kernel.target<"x", vector_bits = 1024, registers = 255, fma = true, l1 = 32768, l2 = 1048576, gpu = <warp = 32, block = 1024, processors = 0, registers = 65536, shared = 1>>} {}

// -----

// expected-error @below {{vector_bits of a GPU are 32 a thread of a warp}}
module attributes {kernel.target = #kernel.target<"x", vector_bits = 512, registers = 255, fma = true, l1 = 32768, l2 = 1048576, gpu = <warp = 32, block = 1024, processors = 1, registers = 65536, shared = 1>>} {}

// -----

// expected-error @below {{registers are 8 to 255, not 256}}
module attributes {kernel.target = #kernel.target<"x", vector_bits = 1024, registers = 256, fma = true, l1 = 32768, l2 = 1048576, gpu = <warp = 32, block = 1024, processors = 1, registers = 65536, shared = 1>>} {}

// -----

// expected-error @below {{block_threads is 1 to 1024, not 2048}}
module attributes {kernel.schedule = #kernel.schedule<"sm_80" block_threads = 2048>} {}
