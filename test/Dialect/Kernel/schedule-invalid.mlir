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
