// A file decides otherwise, for all targets or for one; what it says of nothing
// is an error.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// RUN: split-file %s %t
// RUN: rnn-opt %t/in.mlir --kernel-select-schedule="targets=v2,v3 schedule=%t/good" | FileCheck %s
// CHECK-DAG: #[[A:.*]] = #kernel.schedule<"v2" tile_rows = 2, tile_vectors = 2, unroll = 8,
// CHECK-DAG: #[[B:.*]] = #kernel.schedule<"v3" tile_rows = 5, tile_vectors = 2, unroll = 8,
// CHECK-DAG: #[[C:.*]] = #kernel.schedule<"v2" element_block = 4096, column_block = 512, row_block = 16, direct_rows = 64, tasks = 16,
// CHECK-DAG: #[[D:.*]] = #kernel.schedule<"v2" element_block = 64, column_block = 512, row_block = 16, tasks = 16,
// CHECK: module attributes {kernel.schedules = [#[[C]],
// CHECK: scan.dot {{.*}}kernel.schedules = [#[[A]], #[[B]]]
// CHECK: linalg.generic {{.*}}kernel.name = "f/pointwise0", kernel.schedules = [#[[D]],

// RUN: not rnn-opt %t/in.mlir --kernel-select-schedule="targets=v3 schedule=%t/name" 2>&1 | FileCheck %s --check-prefix=BADNAME
// BADNAME: name:2:1: error: [E419] there is no `f/product7` to schedule; --remarks shows the names
// RUN: not rnn-opt %t/in.mlir --kernel-select-schedule="targets=v3 schedule=%t/target" 2>&1 | FileCheck %s --check-prefix=BADTARGET
// BADTARGET: target:1:1: error: [E419] code is made for v3, not for `v9`
// RUN: not rnn-opt %t/in.mlir --kernel-select-schedule="targets=v3 schedule=%t/decision" 2>&1 | FileCheck %s --check-prefix=BADDECISION
// BADDECISION: decision:1:1: error: [E419] there is no decision `speed`
// RUN: not rnn-opt %t/in.mlir --kernel-select-schedule="targets=v3 schedule=%t/other" 2>&1 | FileCheck %s --check-prefix=OTHER
// OTHER: other:1:1: error: [E419] `f/product0` does not depend on element_block
// RUN: not rnn-opt %t/in.mlir --kernel-select-schedule="targets=v3 schedule=%t/range" 2>&1 | FileCheck %s --check-prefix=RANGE
// RANGE: range:1:1: error: [E419] tile_rows is 1 to 8, not 9
// RUN: not rnn-opt %t/in.mlir --kernel-select-schedule="targets=v3 schedule=%t/number" 2>&1 | FileCheck %s --check-prefix=BADNUMBER
// BADNUMBER: number:1:1: error: [E419] `many` is no number for tile_rows
// RUN: not rnn-opt %t/in.mlir --kernel-select-schedule="targets=v3 schedule=%t/twice" 2>&1 | FileCheck %s --check-prefix=TWICE
// TWICE: twice:2:1: error: [E419] line 1 says unroll of `f/product0` too
// RUN: not rnn-opt %t/in.mlir --kernel-select-schedule="targets=v3 schedule=%t/form" 2>&1 | FileCheck %s --check-prefix=FORM
// FORM: form:1:1: error: [E419] a line is `NAME: DECISION = NUMBER, …`, or `NAME@TARGET: …`
// Where rows are combined no panel is asked for.
// RUN: not rnn-opt %t/rows.mlir --kernel-select-schedule="targets=v3 schedule=%t/fetch" 2>&1 | FileCheck %s --check-prefix=FETCH
// FETCH: fetch:1:1: error: [E419] `largest/phase0` does not depend on panel_fetch
// RUN: rnn-opt %t/rows.mlir --kernel-select-schedule=targets=v3 | FileCheck %s --check-prefix=ROWS
// ROWS: #kernel.schedule<"v3" {{.*}}panel_turns = 1, tasks = 8
// RUN: not rnn-opt %t/in.mlir --kernel-select-schedule="targets=v4 schedule=%t/wide" 2>&1 | FileCheck %s --check-prefix=WIDE
// WIDE: wide:1:1: error: [E419] `f/product0` would be 64 columns wide on v4, at most 32
// RUN: not rnn-opt %t/in.mlir --kernel-select-schedule="targets=v3 schedule=%t/absent" 2>&1 | FileCheck %s --check-prefix=ABSENT
// ABSENT: error: [E419] the schedule `{{.*}}absent` cannot be read: No such file or directory

//--- good
# Two lines for one op.
f/product0: tile_rows = 2, unroll = 8   # both targets
f/product0@v3: tile_rows = 5
module: tasks = 16
f/pointwise0: element_block = 64
//--- name
f/product0: unroll = 2
f/product7: unroll = 2
//--- target
f/product0@v9: unroll = 2
//--- decision
f/product0: speed = 9
//--- other
f/product0: element_block = 64
//--- range
f/product0: tile_rows = 9
//--- number
f/product0: tile_rows = many
//--- twice
f/product0: unroll = 2
f/product0: unroll = 4
//--- form
tile_rows = 4
//--- wide
f/product0: tile_vectors = 4
//--- fetch
largest/phase0: panel_fetch = 2
//--- rows.mlir
func.func @largest(%h: tensor<?x4xf32>, %W: tensor<6x4xf32>, %r: tensor<?xf32>) -> tensor<?xf32> {
  %p = kernel.phase products(%h : tensor<?x4xf32>) with(%W : tensor<6x4xf32>) outs(%r : tensor<?xf32>)
      columns([array<i64: 0>]) maps([]) attributes {per_row = array<i64: 0>, units = 6 : i64} {
  ^bb0(%z: f32):
    %m = kernel.reduce_row max %z : f32
    kernel.yield %m : f32
  } -> tensor<?xf32>
  return %p : tensor<?xf32>
}
//--- in.mlir
#id = affine_map<(i, j) -> (i, j)>
func.func @f(%x: tensor<?x8xf32>, %W: tensor<4x8xf32>, %e: tensor<?x4xf32>) -> tensor<?x4xf32> {
  %0 = scan.dot %x, %W batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<4x8xf32> -> tensor<?x4xf32>
  %1 = linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%0 : tensor<?x4xf32>) outs(%e : tensor<?x4xf32>) {
  ^bb0(%a: f32, %o: f32):
    %2 = math.tanh %a : f32
    linalg.yield %2 : f32
  } -> tensor<?x4xf32>
  return %1 : tensor<?x4xf32>
}
