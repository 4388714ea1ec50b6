// RUN: rnn-opt %s --kernel-select-schedule=targets=v2,v3,v4 --split-input-file | FileCheck %s
// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --split-input-file | rnn-opt --split-input-file | FileCheck %s --check-prefix=ONE
// RUN: rnn-opt %s --kernel-select-schedule=targets=v2,v3,v4 --split-input-file --remarks-filter=.* -o /dev/null 2>&1 | FileCheck %s --check-prefix=REMARK
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Decisions are read, nothing is run. Four sums a unit and a vector of units:
// as many rows as the registers of each target hold.

// CHECK-DAG: #[[V2:.*]] = #kernel.target<"v2", vector_bits = 128, registers = 16, fma = false, l1 = 32768, l2 = 1048576>
// CHECK-DAG: #[[V3:.*]] = #kernel.target<"v3", vector_bits = 256, registers = 16, fma = true, l1 = 32768, l2 = 1048576>
// CHECK-DAG: #[[V4:.*]] = #kernel.target<"v4", vector_bits = 512, registers = 32, fma = true, l1 = 32768, l2 = 1048576>
// CHECK-DAG: #[[P2:.*]] = #kernel.schedule<"v2" tile_rows = 3, tile_vectors = 1, unroll = 4, chains = 8, in_place_rows = 1, cut_rows = 6, panel_turns = 1, panel_fetch = 1, tasks = 8, worth_tasks = 16384>
// CHECK-DAG: #[[P3:.*]] = #kernel.schedule<"v3" tile_rows = 3, tile_vectors = 1, unroll = 4, chains = 8, in_place_rows = 1, cut_rows = 6, panel_turns = 1, panel_fetch = 1, tasks = 8, worth_tasks = 16384>
// CHECK-DAG: #[[P4:.*]] = #kernel.schedule<"v4" tile_rows = 6, tile_vectors = 1, unroll = 4, chains = 8, in_place_rows = 1, cut_rows = 12, panel_turns = 1, panel_fetch = 1, tasks = 8, worth_tasks = 16384>
// CHECK: module attributes {kernel.schedules = [#{{.*}}, #{{.*}}, #{{.*}}], kernel.targets = [#[[V2]], #[[V3]], #[[V4]]]}
// CHECK-LABEL: func.func @gates
// CHECK: kernel.name = "gates/phase0", kernel.schedules = [#[[P2]], #[[P3]], #[[P4]]]
// ONE: kernel.targets = [#{{[^,]*}}]
// REMARK: `module`: code without products is cut into about 8 tasks where it is worth 16384 vector ops, of at least 4096 elements
// REMARK: `gates/phase0`: 1 product and what reads it are one kernel: 4 sums for each of 8 units, in tiles of 3 x 1 (v2), 3 x 1 (v3), 6 x 1 (v4) rows x vectors; {{.*}}; tasks are rows where there are 6 (v2), 6 (v3), 12 (v4) or more, else units
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

// One sum a unit: two vectors of units, unless one holds them all.

// CHECK-DAG: #[[WIDE:.*]] = #kernel.schedule<"v4" tile_rows = 8, tile_vectors = 2, unroll = 4, chains = 8, in_place_rows = 1, cut_rows = 16, panel_turns = 1, panel_fetch = 1, tasks = 8, worth_tasks = 16384>
// CHECK-DAG: #[[NARROW:.*]] = #kernel.schedule<"v4" tile_rows = 8, tile_vectors = 1, unroll = 4, chains = 8, in_place_rows = 1, cut_rows = 16, panel_turns = 1, panel_fetch = 1, tasks = 8, worth_tasks = 16384>
// CHECK: kernel.name = "plain/phase0", kernel.schedules = [#{{[^,]*}}, #{{[^,]*}}, #[[WIDE]]]
// CHECK: kernel.name = "plain/phase1", kernel.schedules = [#{{[^,]*}}, #{{[^,]*}}, #[[NARROW]]]
func.func @plain(%h: tensor<?x8xf32>, %U: tensor<40x8xf32>, %e: tensor<?x40xf32>,
                 %V: tensor<8x40xf32>, %f: tensor<?x8xf32>) -> tensor<?x8xf32> {
  %0 = kernel.phase products(%h : tensor<?x8xf32>) with(%U : tensor<40x8xf32>)
      outs(%e : tensor<?x40xf32>) columns([array<i64: 0>]) maps([]) {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  } -> tensor<?x40xf32>
  %1 = kernel.phase products(%0 : tensor<?x40xf32>) with(%V : tensor<8x40xf32>)
      outs(%f : tensor<?x8xf32>) columns([array<i64: 0>]) maps([]) {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  } -> tensor<?x8xf32>
  return %1 : tensor<?x8xf32>
}

// -----

// Weights that do not fit beside the rest in a second-level cache: tasks are
// units, whatever the rows.

// CHECK-DAG: #[[LARGE:.*]] = #kernel.schedule<"v3" tile_rows = 5, tile_vectors = 2, unroll = 4, chains = 8, in_place_rows = 1, cut_rows = 1099511627776, panel_turns = 2, panel_fetch = 1,
// CHECK: kernel.name = "large/phase0", kernel.schedules = [#{{[^,]*}}, #[[LARGE]], #{{[^,]*}}]
// REMARK: `large/phase0`: {{.*}}; tasks are units
func.func @large(%h: tensor<?x512xf32>, %U: tensor<512x512xf32>, %e: tensor<?x512xf32>) -> tensor<?x512xf32> {
  %0 = kernel.phase products(%h : tensor<?x512xf32>) with(%U : tensor<512x512xf32>)
      outs(%e : tensor<?x512xf32>) columns([array<i64: 0>]) maps([]) {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  } -> tensor<?x512xf32>
  return %0 : tensor<?x512xf32>
}

// -----

// A product by itself. Double precision has half the lanes, and blocks of half
// as many rows and columns.

// CHECK-DAG: #[[S3:.*]] = #kernel.schedule<"v3" tile_rows = 6, tile_vectors = 2, unroll = 4, chains = 8, block_steps = 704, block_rows = 90, block_columns = 736, far_row_bytes = 2048, few_columns = 64, flat_rows = 24, in_place_rows = 1, panel_fetch = 1, tasks = 8, worth_tasks = 131072>
// CHECK-DAG: #[[S4:.*]] = #kernel.schedule<"v4" tile_rows = 8, tile_vectors = 2, unroll = 4, chains = 8, block_steps = 704,
// CHECK-DAG: #[[D3:.*]] = #kernel.schedule<"v3" tile_rows = 6, tile_vectors = 2, unroll = 4, chains = 8, block_steps = 704, block_rows = 42, block_columns = 368, far_row_bytes = 2048, few_columns = 32, flat_rows = 24, in_place_rows = 1, panel_fetch = 1, tasks = 8, worth_tasks = 131072>
// CHECK: scan.dot {{.*}} {kernel.name = "products/product0", kernel.schedules = [#{{[^,]*}}, #[[S3]], #[[S4]]]}
// CHECK: scan.dot {{.*}} {kernel.name = "products/product1", kernel.schedules = [#{{[^,]*}}, #[[D3]], #{{[^,]*}}]}
// An inner product of rows is a reduction, and pointwise code goes by the
// module's schedule.
// CHECK: scan.dot
// CHECK-NOT: kernel.name
// REMARK: `products/product0`: a product by itself, in tiles of 4 x 2 (v2), 6 x 2 (v3), 8 x 2 (v4) rows x vectors
func.func @products(%x: tensor<?x8xf32>, %W: tensor<4x8xf32>, %y: tensor<?x8xf64>, %V: tensor<4x8xf64>)
    -> (tensor<?x4xf32>, tensor<?x4xf64>, tensor<?xf32>) {
  %0 = scan.dot %x, %W batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  %1 = scan.dot %y, %V batch = [[], []] contract = [[1], [1]] : tensor<?x8xf64>, tensor<4x8xf64> -> tensor<?x4xf64>
  %2 = scan.dot %x, %x batch = [[0], [0]] contract = [[1], [1]] : tensor<?x8xf32>, tensor<?x8xf32> -> tensor<?xf32>
  return %0, %1, %2 : tensor<?x4xf32>, tensor<?x4xf64>, tensor<?xf32>
}
