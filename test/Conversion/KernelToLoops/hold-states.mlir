// RUN: rnn-opt %s --kernel-hold-states --canonicalize --cse --split-input-file | FileCheck %s
// RUN: rnn-opt %s --kernel-hold-states=most-bytes=16 --split-input-file | FileCheck %s --check-prefix=NONE
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Ten units of f64: a vector of eight, twice, of which the second has two. The
// state, of which nobody sees but the last, is stored once, behind the steps;
// what ends gets zeros.

// CHECK-LABEL: func.func @ema(
// CHECK-SAME: %[[D:[a-z0-9]+]]: memref<10xf64>, %[[X:[a-z0-9]+]]: memref<?x?x10xf64>, %[[H:[a-z0-9]+]]: memref<2x?x10xf64>, %[[Y:[a-z0-9]+]]: memref<?x?x10xf64>, %[[LEN:[a-z0-9]+]]: memref<?xi32>, %[[T:[a-z0-9]+]]: index)
// CHECK-DAG: %[[MASK:.*]] = arith.constant dense<[true, true, true, true, true, true, true, true, true, true, false, false, false, false, false, false]>
// CHECK: %[[ROWS:.*]] = memref.dim %[[H]]
// CHECK: %[[FEW:.*]] = arith.cmpi sle, %[[ROWS]], %c51
// CHECK: scf.if %[[FEW]] {
// CHECK: scf.for %[[ROW:.*]] = %c0 to
// CHECK: memref.load %[[LEN]][%[[ROW]]]
// CHECK: %[[VALID:.*]] = arith.minsi %{{.*}}, %[[T]]
// CHECK: %[[ENDED:.*]] = arith.subi %[[T]], %[[VALID]]
// CHECK: %[[FIRST:.*]] = vector.maskedload %[[H]][%c0, %[[ROW]], %c0], %[[MASK]]
// CHECK: %[[DECAY:.*]] = vector.maskedload %[[D]][%c0], %[[MASK]]
// CHECK: %[[LAST:.*]] = scf.for %[[STEP:.*]] = %c0 to %[[VALID]] step %c1 iter_args(%[[BEFORE:.*]] = %[[FIRST]]) -> (vector<16xf64>) {
// CHECK-NEXT: %[[KEPT:.*]] = arith.mulf %[[BEFORE]], %[[DECAY]]
// CHECK-NEXT: %[[NOW:.*]] = vector.maskedload %[[X]][%[[STEP]], %[[ROW]], %c0], %[[MASK]]
// CHECK-NEXT: %[[NEXT:.*]] = arith.addf %[[KEPT]], %[[NOW]]
// CHECK-NEXT: vector.maskedstore %[[Y]][%[[STEP]], %[[ROW]], %c0], %[[MASK]], %[[NEXT]]
// CHECK-NEXT: scf.yield %[[NEXT]]
// CHECK: scf.for %[[PAST:.*]] = %c0 to %[[ENDED]]
// CHECK-NEXT: %[[AT:.*]] = arith.addi %[[PAST]], %[[VALID]]
// CHECK-NEXT: vector.maskedstore %[[Y]][%[[AT]], %[[ROW]], %c0], %[[MASK]], %{{.*}}
// CHECK: %[[SLOT:.*]] = arith.remui %[[T]], %c2
// CHECK: vector.maskedstore %[[H]][%[[SLOT]], %[[ROW]], %c0], %[[MASK]], %[[LAST]]
// CHECK: {rnnc.independent, rnnc.lowered}
// CHECK: } else {
// CHECK: scf.for
// CHECK: linalg.generic

// NONE-LABEL: func.func @ema(
// NONE-NOT: rnnc.lowered
#row = affine_map<(i, j) -> (i, j)>
#unit = affine_map<(i, j) -> (j)>
module attributes {kernel.target = #kernel.target<"v4", vector_bits = 512, registers = 32, fma = true, l1 = 32768, l2 = 1048576>} {
  func.func @ema(%d: memref<10xf64>, %x: memref<?x?x10xf64>, %h: memref<2x?x10xf64>, %y: memref<?x?x10xf64>, %len: memref<?xi32>, %T: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %n = memref.dim %len, %c0 : memref<?xi32>
    scf.for %t = %c0 to %T step %c1 {
      %next = arith.addi %t, %c1 : index
      %slot = arith.remui %t, %c2 : index
      %other = arith.remui %next, %c2 : index
      %xt = memref.subview %x[%t, 0, 0] [1, %n, 10] [1, 1, 1] : memref<?x?x10xf64> to memref<?x10xf64, strided<[10, 1], offset: ?>>
      %yt = memref.subview %y[%t, 0, 0] [1, %n, 10] [1, 1, 1] : memref<?x?x10xf64> to memref<?x10xf64, strided<[10, 1], offset: ?>>
      %before = memref.subview %h[%slot, 0, 0] [1, %n, 10] [1, 1, 1] : memref<2x?x10xf64> to memref<?x10xf64, strided<[10, 1], offset: ?>>
      %after = memref.subview %h[%other, 0, 0] [1, %n, 10] [1, 1, 1] : memref<2x?x10xf64> to memref<?x10xf64, strided<[10, 1], offset: ?>>
      linalg.generic {indexing_maps = [#row, #row, #unit, #row, #row], iterator_types = ["parallel", "parallel"]}
          ins(%xt, %before, %d : memref<?x10xf64, strided<[10, 1], offset: ?>>, memref<?x10xf64, strided<[10, 1], offset: ?>>, memref<10xf64>)
          outs(%after, %yt : memref<?x10xf64, strided<[10, 1], offset: ?>>, memref<?x10xf64, strided<[10, 1], offset: ?>>) {
      ^bb0(%a: f64, %b: f64, %c: f64, %o0: f64, %o1: f64):
        %0 = arith.mulf %b, %c : f64
        %1 = arith.addf %0, %a : f64
        linalg.yield %1, %1 : f64, f64
      }
      kernel.mask_rows outs(%after : memref<?x10xf64, strided<[10, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t) previous(%before : memref<?x10xf64, strided<[10, 1], offset: ?>>)
      kernel.mask_rows outs(%yt : memref<?x10xf64, strided<[10, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t)
    }
    return
  }
}

// -----

// What a row combines, reads from another row, or from two steps ago stays as
// it is; so does what only some of the outputs are masked of.

// CHECK-LABEL: func.func @others(
// CHECK-NOT: rnnc.lowered
#row = affine_map<(i, j) -> (i, j)>
#first = affine_map<(i, j) -> (i)>
module attributes {kernel.target = #kernel.target<"v4", vector_bits = 512, registers = 32, fma = true, l1 = 32768, l2 = 1048576>} {
  func.func @others(%h: memref<?x?x8xf32>, %g: memref<?x?x8xf32>, %s: memref<2x?xf32>, %len: memref<?xi32>, %T: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %n = memref.dim %len, %c0 : memref<?xi32>
    scf.for %t = %c0 to %T step %c1 {
      %next = arith.addi %t, %c2 : index
      %before = memref.subview %h[%t, 0, 0] [1, %n, 8] [1, 1, 1] : memref<?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      %after = memref.subview %h[%next, 0, 0] [1, %n, 8] [1, 1, 1] : memref<?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      linalg.generic {indexing_maps = [#row, #row], iterator_types = ["parallel", "parallel"]}
          ins(%before : memref<?x8xf32, strided<[8, 1], offset: ?>>) outs(%after : memref<?x8xf32, strided<[8, 1], offset: ?>>) {
      ^bb0(%a: f32, %o: f32):
        %0 = math.tanh %a : f32
        linalg.yield %0 : f32
      }
    }
    scf.for %t = %c0 to %T step %c1 {
      %next = arith.addi %t, %c1 : index
      %before = memref.subview %h[%t, 0, 0] [1, %n, 8] [1, 1, 1] : memref<?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      %after = memref.subview %h[%next, 0, 0] [1, %n, 8] [1, 1, 1] : memref<?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      %gt = memref.subview %g[%t, 0, 0] [1, %n, 8] [1, 1, 1] : memref<?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      linalg.generic {indexing_maps = [#row, #row, #row], iterator_types = ["parallel", "parallel"]}
          ins(%before : memref<?x8xf32, strided<[8, 1], offset: ?>>)
          outs(%after, %gt : memref<?x8xf32, strided<[8, 1], offset: ?>>, memref<?x8xf32, strided<[8, 1], offset: ?>>) {
      ^bb0(%a: f32, %o: f32, %p: f32):
        %0 = math.tanh %a : f32
        linalg.yield %0, %a : f32, f32
      }
      kernel.mask_rows outs(%after : memref<?x8xf32, strided<[8, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t) previous(%before : memref<?x8xf32, strided<[8, 1], offset: ?>>)
    }
    scf.for %t = %c0 to %T step %c1 {
      %slot = arith.remui %t, %c2 : index
      %before = memref.subview %h[%slot, 0, 0] [1, %n, 8] [1, 1, 1] : memref<?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      %sum = memref.subview %s[%slot, 0] [1, %n] [1, 1] : memref<2x?xf32> to memref<?xf32, strided<[1], offset: ?>>
      linalg.generic {indexing_maps = [#row, #first], iterator_types = ["parallel", "reduction"]}
          ins(%before : memref<?x8xf32, strided<[8, 1], offset: ?>>) outs(%sum : memref<?xf32, strided<[1], offset: ?>>) {
      ^bb0(%a: f32, %o: f32):
        %0 = arith.addf %a, %o : f32
        linalg.yield %0 : f32
      }
    }
    return
  }
}

// -----

// Backward, through the second half of each row, and bits, which are bytes, in
// both. The number of the step is the body's. A step that computes a function
// has to be four times as small.

// CHECK-LABEL: func.func @halves(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x?x2x16xf32>, %[[H:[a-z0-9]+]]: memref<2x?x16xf32>, %[[BITS:[a-z0-9]+]]: memref<?x?x2x16xi8>, %[[LEN:[a-z0-9]+]]: memref<?xi32>, %[[T:[a-z0-9]+]]: index)
// CHECK: arith.cmpi sle, %{{.*}}, %c16
// CHECK: scf.for %[[ROW:.*]] = %c0 to
// CHECK: %[[ENDED:.*]] = arith.subi %[[T]], %[[VALID:.*]] : index
// CHECK: %[[FIRST:.*]] = vector.load %[[H]][%c0, %[[ROW]], %c0]
// CHECK: scf.for %{{.*}} = %c0 to %[[ENDED]] step %c1 {
// CHECK: vector.store %{{.*}}, %[[BITS]][%{{.*}}, %[[ROW]], %c1, %c0] : memref<?x?x2x16xi8>, vector<16xi8>
// CHECK: vector.store %{{.*}}, %[[BITS]][%{{.*}}, %[[ROW]], %c0, %c0] : memref<?x?x2x16xi8>, vector<16xi8>
// CHECK: %[[LAST:.*]] = scf.for %[[I:.*]] = %c0 to %[[VALID]] step %c1 iter_args(%[[BEFORE:.*]] = %[[FIRST]])
// CHECK: arith.addi %[[I]], %[[ENDED]]
// CHECK: scan.sigmoid
// CHECK: vector.load %[[X]][%{{.*}}, %[[ROW]], %c1, %c0]
// CHECK: arith.cmpf olt
// CHECK: vector.store %{{.*}}, %[[BITS]][%{{.*}}, %[[ROW]], %c1, %c0] : memref<?x?x2x16xi8>, vector<16xi8>
// CHECK: %[[NUMBER:.*]] = arith.index_cast %{{.*}} : index to i32
// CHECK: arith.cmpi slt, %[[NUMBER]], %{{.*}} : i32
// CHECK: vector.store %{{.*}}, %[[BITS]][%{{.*}}, %[[ROW]], %c0, %c0] : memref<?x?x2x16xi8>, vector<16xi8>
// CHECK: %[[SLOT:.*]] = arith.remui %[[T]], %c2
// CHECK: vector.store %[[LAST]], %[[H]][%[[SLOT]], %[[ROW]], %c0]
#row = affine_map<(i, j) -> (i, j)>
#one = affine_map<(i, j) -> (i)>
module attributes {kernel.target = #kernel.target<"v4", vector_bits = 512, registers = 32, fma = true, l1 = 32768, l2 = 1048576>} {
  func.func @halves(%x: memref<?x?x2x16xf32>, %states: memref<2x?x16xf32>, %bits: memref<?x?x2x16xi8>, %len: memref<?xi32>, %T: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %n = memref.dim %len, %c0 : memref<?xi32>
    scf.for %i = %c0 to %T step %c1 {
      %next = arith.addi %i, %c1 : index
      %t = arith.subi %T, %next : index
      %slot = arith.remui %i, %c2 : index
      %other = arith.remui %next, %c2 : index
      %h = memref.subview %states[%slot, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %g = memref.subview %states[%other, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %xt = memref.subview %x[%t, 0, 0, 0] [1, %n, 2, 16] [1, 1, 1, 1] : memref<?x?x2x16xf32> to memref<?x2x16xf32, strided<[32, 16, 1], offset: ?>>
      %xh = memref.subview %xt[0, 1, 0] [%n, 1, 16] [1, 1, 1] : memref<?x2x16xf32, strided<[32, 16, 1], offset: ?>> to memref<?x16xf32, strided<[32, 1], offset: ?>>
      %bt = memref.subview %bits[%t, 0, 0, 0] [1, %n, 2, 16] [1, 1, 1, 1] : memref<?x?x2x16xi8> to memref<?x2x16xi8, strided<[32, 16, 1], offset: ?>>
      %bh = memref.subview %bt[0, 1, 0] [%n, 1, 16] [1, 1, 1] : memref<?x2x16xi8, strided<[32, 16, 1], offset: ?>> to memref<?x16xi8, strided<[32, 1], offset: ?>>
      %bg = memref.subview %bt[0, 0, 0] [%n, 1, 16] [1, 1, 1] : memref<?x2x16xi8, strided<[32, 16, 1], offset: ?>> to memref<?x16xi8, strided<[32, 1], offset: ?>>
      linalg.generic {indexing_maps = [#row, #row, #one, #row, #row, #row], iterator_types = ["parallel", "parallel"]}
          ins(%xh, %h, %len : memref<?x16xf32, strided<[32, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?xi32>)
          outs(%g, %bh, %bg : memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xi8, strided<[32, 1], offset: ?>>, memref<?x16xi8, strided<[32, 1], offset: ?>>) {
      ^bb0(%a: f32, %b: f32, %l: i32, %o0: f32, %o1: i8, %o2: i8):
        %0 = scan.sigmoid %b : f32
        %1 = arith.addf %0, %a : f32
        %2 = arith.cmpf olt, %1, %a : f32
        %3 = arith.extui %2 : i1 to i8
        %4 = arith.index_cast %t : index to i32
        %5 = arith.cmpi slt, %4, %l : i32
        %6 = arith.extui %5 : i1 to i8
        linalg.yield %1, %3, %6 : f32, i8, i8
      }
      kernel.mask_rows outs(%g : memref<?x16xf32, strided<[16, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t) previous(%h : memref<?x16xf32, strided<[16, 1], offset: ?>>)
      kernel.mask_rows outs(%bt : memref<?x2x16xi8, strided<[32, 16, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t)
    }
    return
  }
}

// -----

// What another loop wrote beside what this one writes, it masks: not held.

// CHECK-LABEL: func.func @wider(
// CHECK-NOT: rnnc.lowered
// CHECK: kernel.mask_rows
#row = affine_map<(i, j) -> (i, j)>
module attributes {kernel.target = #kernel.target<"v4", vector_bits = 512, registers = 32, fma = true, l1 = 32768, l2 = 1048576>} {
  func.func @wider(%x: memref<?x?x2x16xf32>, %states: memref<2x?x16xf32>, %y: memref<?x?x2x16xf32>, %len: memref<?xi32>, %T: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %n = memref.dim %len, %c0 : memref<?xi32>
    scf.for %t = %c0 to %T step %c1 {
      %next = arith.addi %t, %c1 : index
      %slot = arith.remui %t, %c2 : index
      %other = arith.remui %next, %c2 : index
      %h = memref.subview %states[%slot, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %g = memref.subview %states[%other, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %xt = memref.subview %x[%t, 0, 0, 0] [1, %n, 1, 16] [1, 1, 1, 1] : memref<?x?x2x16xf32> to memref<?x16xf32, strided<[32, 1], offset: ?>>
      %yt = memref.subview %y[%t, 0, 0, 0] [1, %n, 2, 16] [1, 1, 1, 1] : memref<?x?x2x16xf32> to memref<?x2x16xf32, strided<[32, 16, 1], offset: ?>>
      %yh = memref.subview %yt[0, 1, 0] [%n, 1, 16] [1, 1, 1] : memref<?x2x16xf32, strided<[32, 16, 1], offset: ?>> to memref<?x16xf32, strided<[32, 1], offset: ?>>
      linalg.generic {indexing_maps = [#row, #row, #row, #row], iterator_types = ["parallel", "parallel"]}
          ins(%xt, %h : memref<?x16xf32, strided<[32, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>)
          outs(%g, %yh : memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xf32, strided<[32, 1], offset: ?>>) {
      ^bb0(%a: f32, %b: f32, %o0: f32, %o1: f32):
        %0 = arith.addf %a, %b : f32
        linalg.yield %0, %0 : f32, f32
      }
      kernel.mask_rows outs(%g : memref<?x16xf32, strided<[16, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t) previous(%h : memref<?x16xf32, strided<[16, 1], offset: ?>>)
      kernel.mask_rows outs(%yt : memref<?x2x16xf32, strided<[32, 16, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t)
    }
    return
  }
}

// -----

// Three recurrences, each of which reads the one before, and sums of them: six
// states are too many for eight registers. Each recurrence goes through sixteen
// steps with its sum before the next does; what it leaves lies on the stack.

// CHECK-LABEL: func.func @stages(
// CHECK-SAME: %[[X:[a-z0-9]+]]: memref<?x?x16xf32>
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<16x16xf32>
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<16x16xf32>
// CHECK-DAG: memref.alloca() {alignment = 64 : i64} : memref<16xf32>
// CHECK: scf.for %{{.*}} = %c0 to
// CHECK: vector.store %{{.*}}, %[[STATE:.*]][%c0] : memref<16xf32>
// CHECK: scf.for %[[FROM:.*]] = %c0 to %[[VALID:.*]] step %c16 {
// CHECK: %[[LEFT:.*]] = arith.subi %[[VALID]], %[[FROM]]
// CHECK: %[[COUNT:.*]] = arith.minsi %[[LEFT]], %c16
// CHECK: %[[BEFORE:.*]] = vector.load %[[STATE]][%c0] : memref<16xf32>
// CHECK: %[[AFTER:.*]]:2 = scf.for %[[I:.*]] = %c0 to %[[COUNT]] step %c1 iter_args(%{{.*}} = %[[BEFORE]], %{{.*}}) -> (vector<16xf32>, vector<16xf32>) {
// CHECK: %[[T:.*]] = arith.addi %[[I]], %[[FROM]]
// CHECK: vector.load %[[X]][%[[T]], %{{.*}}, %c0]
// CHECK: vector.store %{{.*}}, %[[FIRST:.*]][%[[I]], %c0] : memref<16x16xf32>
// CHECK: arith.addf
// CHECK: vector.store %[[AFTER]]#0, %[[STATE]][%c0] : memref<16xf32>
// CHECK: scf.for %[[J:.*]] = %c0 to %[[COUNT]] step %c1 iter_args(%{{.*}}, %{{.*}}) -> (vector<16xf32>, vector<16xf32>) {
// CHECK: vector.load %[[FIRST]][%[[J]], %c0]
// CHECK: vector.store %{{.*}}, %[[SECOND:.*]][%[[J]], %c0] : memref<16x16xf32>
// CHECK: scf.for %[[K:.*]] = %c0 to %[[COUNT]] step %c1 iter_args(%{{.*}}, %{{.*}}) -> (vector<16xf32>, vector<16xf32>) {
// CHECK: vector.load %[[SECOND]][%[[K]], %c0] : memref<16x16xf32>
// CHECK-NOT: memref<16x16xf32>
// CHECK: scf.yield
#row = affine_map<(i, j) -> (i, j)>
module attributes {kernel.target = #kernel.target<"small", vector_bits = 512, registers = 8, fma = true, l1 = 32768, l2 = 1048576>} {
  func.func @stages(%x: memref<?x?x16xf32>, %a: memref<2x?x16xf32>, %b: memref<2x?x16xf32>, %c: memref<2x?x16xf32>, %sa: memref<2x?x16xf32>, %sb: memref<2x?x16xf32>, %sc: memref<2x?x16xf32>, %len: memref<?xi32>, %T: index) {
    %c0 = arith.constant 0 : index
    %c1 = arith.constant 1 : index
    %c2 = arith.constant 2 : index
    %n = memref.dim %len, %c0 : memref<?xi32>
    scf.for %t = %c0 to %T step %c1 {
      %next = arith.addi %t, %c1 : index
      %slot = arith.remui %t, %c2 : index
      %other = arith.remui %next, %c2 : index
      %xt = memref.subview %x[%t, 0, 0] [1, %n, 16] [1, 1, 1] : memref<?x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %a0 = memref.subview %a[%slot, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %a1 = memref.subview %a[%other, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %b0 = memref.subview %b[%slot, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %b1 = memref.subview %b[%other, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %c0_0 = memref.subview %c[%slot, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %c1_0 = memref.subview %c[%other, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %sa0 = memref.subview %sa[%slot, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %sa1 = memref.subview %sa[%other, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %sb0 = memref.subview %sb[%slot, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %sb1 = memref.subview %sb[%other, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %sc0 = memref.subview %sc[%slot, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      %sc1 = memref.subview %sc[%other, 0, 0] [1, %n, 16] [1, 1, 1] : memref<2x?x16xf32> to memref<?x16xf32, strided<[16, 1], offset: ?>>
      linalg.generic {indexing_maps = [#row, #row, #row, #row, #row, #row, #row, #row, #row, #row, #row, #row, #row], iterator_types = ["parallel", "parallel"]}
          ins(%xt, %a0, %b0, %c0_0, %sa0, %sb0, %sc0 : memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>)
          outs(%a1, %b1, %c1_0, %sa1, %sb1, %sc1 : memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>, memref<?x16xf32, strided<[16, 1], offset: ?>>) {
      ^bb0(%v: f32, %p: f32, %q: f32, %r: f32, %sp: f32, %sq: f32, %sr: f32, %o0: f32, %o1: f32, %o2: f32, %o3: f32, %o4: f32, %o5: f32):
        %0 = arith.mulf %p, %v : f32
        %1 = arith.mulf %q, %0 : f32
        %2 = arith.mulf %r, %1 : f32
        %3 = arith.addf %sp, %0 : f32
        %4 = arith.addf %sq, %1 : f32
        %5 = arith.addf %sr, %2 : f32
        linalg.yield %0, %1, %2, %3, %4, %5 : f32, f32, f32, f32, f32, f32
      }
      kernel.mask_rows outs(%a1 : memref<?x16xf32, strided<[16, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t) previous(%a0 : memref<?x16xf32, strided<[16, 1], offset: ?>>)
      kernel.mask_rows outs(%b1 : memref<?x16xf32, strided<[16, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t) previous(%b0 : memref<?x16xf32, strided<[16, 1], offset: ?>>)
      kernel.mask_rows outs(%c1_0 : memref<?x16xf32, strided<[16, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t) previous(%c0_0 : memref<?x16xf32, strided<[16, 1], offset: ?>>)
      kernel.mask_rows outs(%sa1 : memref<?x16xf32, strided<[16, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t) previous(%sa0 : memref<?x16xf32, strided<[16, 1], offset: ?>>)
      kernel.mask_rows outs(%sb1 : memref<?x16xf32, strided<[16, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t) previous(%sb0 : memref<?x16xf32, strided<[16, 1], offset: ?>>)
      kernel.mask_rows outs(%sc1 : memref<?x16xf32, strided<[16, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t) previous(%sc0 : memref<?x16xf32, strided<[16, 1], offset: ?>>)
    }
    return
  }
}
