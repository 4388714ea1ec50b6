// Decisions for GPUs are read, nothing is run.
// RUN: rnn-opt %s --kernel-select-schedule=targets=sm_80,sm_90 --split-input-file | FileCheck %s
// RUN: rnn-opt %s --kernel-select-schedule=targets=sm_80 --split-input-file | rnn-opt --split-input-file | FileCheck %s --check-prefix=ONE
// RUN: rnn-opt %s --kernel-select-schedule=targets=sm_80 --split-input-file --remarks-filter=.* -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: rnn-opt %s --kernel-select-schedule=targets=v3,sm_80 --split-input-file | FileCheck %s --check-prefix=MIXED
// RUN: echo 'module: block_threads = 96' > %t.good && rnn-opt %s --kernel-select-schedule="targets=sm_80 schedule=%t.good" --split-input-file | FileCheck %s --check-prefix=FILE
// RUN: echo 'module: block_threads = 100' > %t.bad && not rnn-opt %s --kernel-select-schedule="targets=sm_80 schedule=%t.bad" --split-input-file 2>&1 | FileCheck %s --check-prefix=WARPS
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// A library has code for both: every op has a schedule of each.
// MIXED-DAG: #[[P:.*]] = #kernel.schedule<"v3" tile_rows = 3
// MIXED-DAG: #[[G:.*]] = #kernel.schedule<"sm_80" tile_rows = 7
// MIXED: kernel.name = "gates/phase0", kernel.schedules = [#[[P]], #[[G]]]
// FILE: #kernel.schedule<"sm_80" block_threads = 96>
// WARPS: error: [E419] a block of sm_80 has a multiple of 32 threads, at most 1024

// Four sums a unit and the elements that are multiplied: as many rows as leave
// registers for a full processor.

// CHECK-DAG: #[[G80:.*]] = #kernel.gpu<warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>
// CHECK-DAG: #[[G90:.*]] = #kernel.gpu<warp = 32, block = 1024, processors = 132, registers = 65536, shared = 49152>
// CHECK-DAG: #[[T80:.*]] = #kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040, gpu = #[[G80]]>
// CHECK-DAG: #[[T90:.*]] = #kernel.target<"sm_90", vector_bits = 1024, registers = 255, fma = true, l1 = 262144, l2 = 52428800, gpu = #[[G90]]>
// CHECK-DAG: #[[M80:.*]] = #kernel.schedule<"sm_80" block_threads = 256>
// CHECK-DAG: #[[P80:.*]] = #kernel.schedule<"sm_80" tile_rows = 7, unroll = 2, block_threads = 128>
// CHECK-DAG: #[[P90:.*]] = #kernel.schedule<"sm_90" tile_rows = 7, unroll = 2, block_threads = 128>
// CHECK: module attributes {kernel.schedules = [#[[M80]], #{{.*}}], kernel.targets = [#[[T80]], #[[T90]]]}
// CHECK-LABEL: func.func @gates
// CHECK: kernel.name = "gates/phase0", kernel.schedules = [#[[P80]], #[[P90]]]
// ONE: kernel.targets = [#{{[^,]*}}]
// REMARK: `module`: code without products has a thread for each element, 256 in a block
// REMARK: `gates/phase0`: 1 product and what reads it are one kernel: 4 sums for each of 8 units, with a thread for 7 rows of each, 128 in a block
func.func @gates(%h: tensor<?x8xf32>, %U: tensor<32x8xf32>, %e: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = kernel.phase products(%h : tensor<?x8xf32>) with(%U : tensor<32x8xf32>)
      outs(%e : tensor<?x8xf32>) columns([array<i64: 0, 8, 16, 24>]) maps([]) {
  ^bb0(%a: f32, %b: f32, %c: f32, %d: f32):
    %1 = arith.mulf %a, %b : f32
    %2 = arith.mulf %c, %d : f32
    %3 = arith.addf %1, %2 : f32
    kernel.yield %3 : f32
  } -> tensor<?x8xf32>
  return %0 : tensor<?x8xf32>
}

// -----

// A product by itself; a number of double precision takes two registers. What has
// no product goes by the module's schedule.

// CHECK-DAG: #[[F:.*]] = #kernel.schedule<"sm_80" tile_rows = 8, unroll = 2, block_steps = 8, block_rows = 32, block_columns = 32, flat_rows = 1099511627776, block_threads = 128>
// CHECK-LABEL: func.func @products
// CHECK: scan.dot {{.*}} {kernel.name = "products/product0", kernel.schedules = [#[[F]], #{{[^,]*}}]}
// CHECK: kernel.name = "wide/phase0", kernel.schedules = [#[[D:[^,]*]], #{{[^,]*}}]
// REMARK: `products/product0`: a product by itself, with a thread for 8 rows of each, 128 in a block
// ONE: #[[D:.*]] = #kernel.schedule<"sm_80" tile_rows = 3, unroll = 2, block_threads = 128>
// ONE: kernel.name = "wide/phase0", kernel.schedules = [#[[D]]]
func.func @products(%x: tensor<?x8xf32>, %W: tensor<4x8xf32>) -> tensor<?x4xf32> {
  %0 = scan.dot %x, %W batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  return %0 : tensor<?x4xf32>
}
func.func @wide(%h: tensor<?x8xf64>, %U: tensor<32x8xf64>, %e: tensor<?x8xf64>) -> tensor<?x8xf64> {
  %0 = kernel.phase products(%h : tensor<?x8xf64>) with(%U : tensor<32x8xf64>)
      outs(%e : tensor<?x8xf64>) columns([array<i64: 0, 8, 16, 24>]) maps([]) {
  ^bb0(%a: f64, %b: f64, %c: f64, %d: f64):
    %1 = arith.mulf %a, %b : f64
    kernel.yield %1 : f64
  } -> tensor<?x8xf64>
  return %0 : tensor<?x8xf64>
}

// -----

// Large results are made in tiles, as large as leave half of the processors
// something to do; a result of unknown rows has them from so many on.

// ONE-DAG: #[[LONG:.*]] = #kernel.schedule<"sm_80" tile_rows = 8, unroll = 2, block_steps = 8, block_rows = 128, block_columns = 128, flat_rows = 512, block_threads = 128>
// ONE-DAG: #[[SQUARE:.*]] = #kernel.schedule<"sm_80" tile_rows = 8, unroll = 2, block_steps = 8, block_rows = 128, block_columns = 128, flat_rows = 1, block_threads = 128>
// ONE: func.func @large
// ONE: kernel.schedules = [#[[LONG]]]
// ONE: kernel.schedules = [#[[SQUARE]]]
// REMARK: `large/product0`: a product by itself, with a block of threads for 128 x 128 of the result where it has 512 rows or more, else a thread for 8 rows of each column
// REMARK: `large/product1`: a product by itself, with a block of threads for 128 x 128 of the result
// REMARK-NOT: rows or more
func.func @large(%x: tensor<?x8xf32>, %W: tensor<2048x8xf32>, %y: tensor<?x1024xf32>) -> (tensor<?x2048xf32>, tensor<8x1024xf32>, tensor<1024x1024xf32>) {
  %0 = scan.dot %x, %W batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<2048x8xf32> -> tensor<?x2048xf32>
  %1 = scan.dot %y, %y batch = [[], []] contract = [[0], [0]] : tensor<?x1024xf32>, tensor<?x1024xf32> -> tensor<1024x1024xf32>
  %2 = scan.dot %x, %y batch = [[], []] contract = [[0], [0]] : tensor<?x8xf32>, tensor<?x1024xf32> -> tensor<8x1024xf32>
  return %0, %2, %1 : tensor<?x2048xf32>, tensor<8x1024xf32>, tensor<1024x1024xf32>
}
