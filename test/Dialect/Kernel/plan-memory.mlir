// RUN: rnn-opt %s --kernel-plan-memory --canonicalize --cse --split-input-file --verify-diagnostics | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// %a and %c share a place: %a is read for the last time before %c is written.
// %b is needed while both live.

// CHECK-LABEL: func.func @chain(
// CHECK-SAME: %[[X:arg0]]: memref<?x8xf32>
// CHECK-SAME: %[[WS:arg2]]: memref<?xi8> {rnnc.slot = #rnnc.slot<workspace "">}
// CHECK-NOT: memref.alloc
// CHECK: %[[A:.*]] = memref.view %[[WS]][%c0]
// CHECK: %[[B:.*]] = memref.view %[[WS]][%{{.*}}]
// CHECK: memref.copy %[[X]], %[[A]]
// CHECK: memref.copy %[[A]], %[[B]]
// CHECK: memref.copy %[[B]], %[[A]]
// CHECK: memref.copy %[[A]], %arg1

// Two places of 32 bytes a row, each rounded up to 64 bytes.
// CHECK-LABEL: func.func @chain.workspace(
// CHECK-SAME: %[[BATCH:.*]]: index) -> i64
// CHECK: %[[BYTES:.*]] = arith.muli %[[BATCH]], %c32
// CHECK: %[[MORE:.*]] = arith.addi %[[BYTES]], %c63
// CHECK: %[[ONE:.*]] = arith.andi %[[MORE]], %c-64
// CHECK: %[[TWO:.*]] = arith.addi %[[ONE]], %[[ONE]]
// CHECK: arith.index_cast %[[TWO]]
func.func @chain(%x: memref<?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 8]>}, %y: memref<?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 8]>}) attributes {rnnc.function = #rnnc.function<"" "f", ["batch"]>} {
  %c0 = arith.constant 0 : index
  %B = memref.dim %x, %c0 : memref<?x8xf32>
  %a = memref.alloc(%B) : memref<?x8xf32>
  %b = memref.alloc(%B) : memref<?x8xf32>
  %c = memref.alloc(%B) : memref<?x8xf32>
  memref.copy %x, %a : memref<?x8xf32> to memref<?x8xf32>
  memref.copy %a, %b : memref<?x8xf32> to memref<?x8xf32>
  memref.copy %b, %c : memref<?x8xf32> to memref<?x8xf32>
  memref.copy %c, %y : memref<?x8xf32> to memref<?x8xf32>
  return
}

// -----

// A loop is one time for what is used before and after it too; what is used
// in it alone may share.

// CHECK-LABEL: func.func @loop(
// CHECK: %[[A:.*]] = memref.view %[[WS:.*]][%c0]
// CHECK: %[[B:.*]] = memref.view %[[WS]][%c64]
// CHECK: %[[C:.*]] = memref.view %[[WS]][%c128]
// CHECK-NOT: memref.view
// CHECK: memref.copy %arg0, %[[A]]
// CHECK: scf.for
// CHECK: memref.copy %[[A]], %[[B]]
// CHECK: memref.copy %[[B]], %[[C]]
// CHECK: memref.copy %[[C]], %[[B]]
// CHECK: memref.copy %[[B]], %arg1
// CHECK: memref.copy %[[A]], %arg1

// CHECK-LABEL: func.func @loop.workspace() -> i64
// CHECK: arith.constant 192 : i64
func.func @loop(%x: memref<8xf32>, %y: memref<8xf32>) attributes {rnnc.function = #rnnc.function<"" "f", []>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  %a = memref.alloc() : memref<8xf32>
  %b = memref.alloc() : memref<8xf32>
  %c = memref.alloc() : memref<8xf32>
  %d = memref.alloc() : memref<8xf32>
  memref.copy %x, %a : memref<8xf32> to memref<8xf32>
  scf.for %t = %c0 to %c9 step %c1 {
    memref.copy %a, %b : memref<8xf32> to memref<8xf32>
    memref.copy %b, %c : memref<8xf32> to memref<8xf32>
    memref.copy %c, %d : memref<8xf32> to memref<8xf32>
    memref.copy %d, %y : memref<8xf32> to memref<8xf32>
  }
  memref.copy %a, %y : memref<8xf32> to memref<8xf32>
  return
}

// -----

func.func @inside(%x: memref<8xf32>) attributes {rnnc.function = #rnnc.function<"" "f", []>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c9 = arith.constant 9 : index
  scf.for %t = %c0 to %c9 step %c1 {
    // expected-error @+1 {{allocates inside of a loop}}
    %a = memref.alloc() : memref<8xf32>
    memref.copy %x, %a : memref<8xf32> to memref<8xf32>
  }
  return
}

// -----

// What two parts use that may run at the same time lies in two places, what one
// part uses in turn in one.

// CHECK-LABEL: func.func @beside(
// CHECK: %[[A:.*]] = memref.view
// CHECK: %[[B:.*]] = memref.view
// CHECK-NOT: memref.view
// CHECK: kernel.beside
// CHECK: linalg.fill {{.*}} outs(%[[A]]
// CHECK: linalg.fill {{.*}} outs(%[[A]]
// CHECK: }, {
// CHECK: linalg.fill {{.*}} outs(%[[B]]
func.func @beside(%x: memref<?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 8]>}) attributes {rnnc.function = #rnnc.function<"" "f", ["batch"]>} {
  %c0 = arith.constant 0 : index
  %z = arith.constant 0.0 : f32
  %B = memref.dim %x, %c0 : memref<?x8xf32>
  %a = memref.alloc(%B) : memref<?x8xf32>
  %b = memref.alloc(%B) : memref<?x8xf32>
  %c = memref.alloc(%B) : memref<?x8xf32>
  kernel.beside terms(%B) rows(%B) {
    linalg.fill ins(%z : f32) outs(%a : memref<?x8xf32>)
    linalg.fill ins(%z : f32) outs(%b : memref<?x8xf32>)
  }, {
    linalg.fill ins(%z : f32) outs(%c : memref<?x8xf32>)
  }
  return
}

// -----

// Both functions look for the number of segments in the same way. 1024 bytes are
// for what a call aligns.

// CHECK-LABEL: func.func @segments(
// CHECK: %[[T:.*]] = memref.dim
// CHECK: %[[W:.*]]:3 = scf.while (%[[N:.*]] = %c1, {{.*}} = %c1, %[[BYTES:.*]] = %{{.*}})
// CHECK-DAG: arith.cmpi ule, %[[N]], %{{.*}}
// CHECK-DAG: arith.cmpi ugt, %[[BYTES]], %c3976
// CHECK: scf.yield
// CHECK: arith.ceildivui %[[T]], %[[W]]#1
// CHECK: memref.view
// CHECK-LABEL: func.func @segments.workspace(
// CHECK: %[[W:.*]]:3 = scf.while
// CHECK: arith.ceildivui %arg0, %[[W]]#1
func.func @segments(%x: memref<?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["T", 8]>}) attributes {rnnc.function = #rnnc.function<"" "f", ["T"]>} {
  %c0 = arith.constant 0 : index
  %z = arith.constant 0.0 : f32
  %T = memref.dim %x, %c0 : memref<?x8xf32>
  %n = kernel.segment_count of(%T) {bytes = 5000}
  %k = arith.ceildivui %T, %n : index
  %a = memref.alloc(%k) : memref<?x8xf32>
  linalg.fill ins(%z : f32) outs(%a : memref<?x8xf32>)
  return
}

// -----

// What is made number by number of a buffer that nobody needs any more lies in its place: %b of %a, and %c,
// made when the rows of %b are combined, of %b.

// CHECK-LABEL: func.func @in_place(
// CHECK: %[[A:.*]] = memref.view %[[WS:.*]][%c0]
// CHECK-NOT: memref.view
// CHECK: memref.copy %arg0, %[[A]]
// CHECK: linalg.generic {{.*}} ins(%[[A]] : memref<?x8xf32>) outs(%[[A]] : memref<?x8xf32>)
// CHECK: kernel.phase ins(%[[A]] : memref<?x8xf32>) outs(%[[A]] : memref<?x8xf32>)
// CHECK: memref.copy %[[A]], %arg1
func.func @in_place(%x: memref<?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 8]>}, %y: memref<?x8xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 8]>}) attributes {rnnc.function = #rnnc.function<"" "f", ["batch"]>} {
  %c0 = arith.constant 0 : index
  %B = memref.dim %x, %c0 : memref<?x8xf32>
  %a = memref.alloc(%B) : memref<?x8xf32>
  %b = memref.alloc(%B) : memref<?x8xf32>
  %c = memref.alloc(%B) : memref<?x8xf32>
  memref.copy %x, %a : memref<?x8xf32> to memref<?x8xf32>
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (i, j)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%a : memref<?x8xf32>) outs(%b : memref<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %e = math.exp %in : f32
    linalg.yield %e : f32
  }
  kernel.phase ins(%b : memref<?x8xf32>) outs(%c : memref<?x8xf32>) columns([]) maps([affine_map<(i, j) -> (i, j)>]) {
  ^bb0(%in: f32):
    %s = kernel.reduce_row sum %in : f32
    %d = arith.divf %in, %s : f32
    kernel.yield %d : f32
  }
  memref.copy %c, %y : memref<?x8xf32> to memref<?x8xf32>
  return
}

// -----

// Not where a row is still read when another number of it is made, where it is read turned, or where
// others read it later.

// CHECK-LABEL: func.func @not_in_place(
// CHECK: %[[A:.*]] = memref.view %[[WS:.*]][%c0]
// CHECK: %[[B:.*]] = memref.view %[[WS]][%c256]
// CHECK: %[[C:.*]] = memref.view %[[WS]][%c512]
// CHECK: kernel.phase ins(%[[A]] : memref<8x8xf32>) outs(%[[B]], %[[C]] : memref<8x8xf32>, memref<8x8xf32>)
// CHECK: linalg.generic {{.*}} ins(%[[B]] : memref<8x8xf32>) outs(%[[A]] : memref<8x8xf32>)
func.func @not_in_place(%x: memref<8x8xf32>, %y: memref<8x8xf32>) attributes {rnnc.function = #rnnc.function<"" "f", []>} {
  %a = memref.alloc() : memref<8x8xf32>
  %b = memref.alloc() : memref<8x8xf32>
  %c = memref.alloc() : memref<8x8xf32>
  %d = memref.alloc() : memref<8x8xf32>
  memref.copy %x, %a : memref<8x8xf32> to memref<8x8xf32>
  kernel.phase ins(%a : memref<8x8xf32>) outs(%b, %c : memref<8x8xf32>, memref<8x8xf32>) columns([]) maps([affine_map<(i, j) -> (i, j)>]) {
  ^bb0(%in: f32):
    %e = math.exp %in : f32
    %s = kernel.reduce_row sum %e : f32
    %d2 = arith.mulf %in, %in : f32
    %q = arith.divf %d2, %s : f32
    kernel.yield %d2, %e : f32, f32
  }
  linalg.generic {indexing_maps = [affine_map<(i, j) -> (j, i)>, affine_map<(i, j) -> (i, j)>], iterator_types = ["parallel", "parallel"]}
      ins(%b : memref<8x8xf32>) outs(%d : memref<8x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %e = math.exp %in : f32
    linalg.yield %e : f32
  }
  memref.copy %c, %y : memref<8x8xf32> to memref<8x8xf32>
  memref.copy %d, %y : memref<8x8xf32> to memref<8x8xf32>
  return
}
