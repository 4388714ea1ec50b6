// RUN: rnn-opt %s --kernel-leave-in-place --split-input-file | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#id = affine_map<(d0, d1) -> (d0, d1)>

// Each step writes its rows of all examples.
// CHECK-LABEL: func.func @steps(
// CHECK-SAME: %[[H:[a-z0-9]*]]: memref<?x8xf32>, %{{.*}}, %[[OUT:[a-z0-9]*]]: memref<?x?x8xf32>
// CHECK-NOT: memref.alloc
// CHECK: %[[Y:.*]] = memref.reinterpret_cast %[[OUT]] to offset: [0], sizes: [%{{.*}}, %{{.*}}, 8], strides: [8, %{{.*}}, 1]
// CHECK: scf.for
// CHECK: %[[ROWS:.*]] = memref.subview %[[Y]][%{{.*}}, 0, 0] {{.*}} to memref<?x8xf32, strided<[?, 1], offset: ?>>
// CHECK: kernel.phase {{.*}} outs(%[[ROWS]] :
// CHECK-NOT: kernel.mask_rows
// CHECK: }
// CHECK: %[[ALL:.*]] = memref.reinterpret_cast %[[OUT]]
// CHECK: kernel.mask_rows outs(%[[ALL]] : {{.*}}batch_dim = 1 : i64, time_dim = 0 : i64
// CHECK-NOT: kernel.leave
func.func @steps(%h: memref<?x8xf32>, %len: memref<?xi32>, %out: memref<?x?x8xf32> {rnnc.slot = #rnnc.slot<output "out", ["batch", "T", 8]>},
    %rows: memref<?xi32>, %n: index, %T: index) attributes {rnnc.function = #rnnc.function<"" "f", ["batch", "T"] results = 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = memref.alloc(%T, %n) : memref<?x?x8xf32>
  scf.for %t = %c0 to %T step %c1 {
    %r = memref.subview %y[%t, 0, 0] [1, %n, 8] [1, 1, 1] : memref<?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
    kernel.phase ins(%h : memref<?x8xf32>) outs(%r : memref<?x8xf32, strided<[8, 1], offset: ?>>) valid(%rows : memref<?xi32>) columns([]) maps([#id]) {
    ^bb0(%a: f32):
      kernel.yield %a : f32
    }
    kernel.mask_rows outs(%r : memref<?x8xf32, strided<[8, 1], offset: ?>>) lengths(%len : memref<?xi32>) at(%t)
  }
  kernel.leave ins(%y : memref<?x?x8xf32>) lengths(%len : memref<?xi32>) outs(%out : memref<?x?x8xf32>) {perm = array<i64: 1, 0, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// In chunks of %s steps: a chunk begins %s rows after the one before.
// CHECK-LABEL: func.func @chunks(
// CHECK: %[[CHUNK:.*]] = arith.muli %{{.*}}, %c8
// CHECK: %[[Y:.*]] = memref.reinterpret_cast %{{.*}} to offset: [0], sizes: [%{{.*}}, %{{.*}}, %{{.*}}, 8], strides: [%[[CHUNK]], 8, %{{.*}}, 1]
// CHECK: memref.subview %[[Y]][%{{.*}}, 0, 0, 0]
// CHECK: kernel.phase
// CHECK-NOT: kernel.leave
func.func @chunks(%h: memref<?x8xf32>, %len: memref<?xi32>, %out: memref<?x?x8xf32> {rnnc.slot = #rnnc.slot<output "out", ["batch", "T", 8]>},
    %rows: memref<?xi32>, %n: index, %T: index, %c: index, %s: index) attributes {rnnc.function = #rnnc.function<"" "f", ["batch", "T"] results = 1>} {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %y = memref.alloc(%c, %s, %n) : memref<?x?x?x8xf32>
  scf.for %k = %c0 to %c step %c1 {
    %part = memref.subview %y[%k, 0, 0, 0] [1, %s, %n, 8] [1, 1, 1, 1] : memref<?x?x?x8xf32> to memref<?x?x8xf32, strided<[?, 8, 1], offset: ?>>
    scf.for %t = %c0 to %s step %c1 {
      %r = memref.subview %part[%t, 0, 0] [1, %n, 8] [1, 1, 1] : memref<?x?x8xf32, strided<[?, 8, 1], offset: ?>> to memref<?x8xf32, strided<[8, 1], offset: ?>>
      kernel.phase ins(%h : memref<?x8xf32>) outs(%r : memref<?x8xf32, strided<[8, 1], offset: ?>>) valid(%rows : memref<?xi32>) columns([]) maps([#id]) {
      ^bb0(%a: f32):
        kernel.yield %a : f32
      }
    }
  }
  %all = memref.collapse_shape %y [[0, 1], [2], [3]] : memref<?x?x?x8xf32> into memref<?x?x8xf32>
  %m = memref.dim %all, %c1 : memref<?x?x8xf32>
  %whole = memref.subview %all[0, 0, 0] [%T, %m, 8] [1, 1, 1] : memref<?x?x8xf32> to memref<?x?x8xf32, strided<[?, 8, 1]>>
  kernel.leave ins(%whole : memref<?x?x8xf32, strided<[?, 8, 1]>>) lengths(%len : memref<?xi32>) outs(%out : memref<?x?x8xf32>) {perm = array<i64: 1, 0, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// All rows are computed, also those of the padding.
// CHECK-LABEL: func.func @padding(
// CHECK: memref.alloc
// CHECK: kernel.leave
func.func @padding(%h: memref<?x8xf32>, %len: memref<?xi32>, %out: memref<?x?x8xf32> {rnnc.slot = #rnnc.slot<output "out", ["batch", "T", 8]>},
    %n: index, %T: index) attributes {rnnc.function = #rnnc.function<"" "f", ["batch", "T"] results = 1>} {
  %c0 = arith.constant 0 : index
  %y = memref.alloc(%T, %n) : memref<?x?x8xf32>
  %r = memref.subview %y[%c0, 0, 0] [1, %n, 8] [1, 1, 1] : memref<?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
  kernel.phase ins(%h : memref<?x8xf32>) outs(%r : memref<?x8xf32, strided<[8, 1], offset: ?>>) columns([]) maps([#id]) {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  }
  kernel.leave ins(%y : memref<?x?x8xf32>) lengths(%len : memref<?xi32>) outs(%out : memref<?x?x8xf32>) {perm = array<i64: 1, 0, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// The next layer reads what the phase wrote.
// CHECK-LABEL: func.func @read(
// CHECK: memref.alloc
// CHECK: kernel.leave
func.func @read(%h: memref<?x8xf32>, %len: memref<?xi32>, %out: memref<?x?x8xf32> {rnnc.slot = #rnnc.slot<output "out", ["batch", "T", 8]>},
    %rows: memref<?xi32>, %z: memref<?x8xf32>, %n: index, %T: index) attributes {rnnc.function = #rnnc.function<"" "f", ["batch", "T"] results = 1>} {
  %c0 = arith.constant 0 : index
  %y = memref.alloc(%T, %n) : memref<?x?x8xf32>
  %r = memref.subview %y[%c0, 0, 0] [1, %n, 8] [1, 1, 1] : memref<?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
  kernel.phase ins(%h : memref<?x8xf32>) outs(%r : memref<?x8xf32, strided<[8, 1], offset: ?>>) valid(%rows : memref<?xi32>) columns([]) maps([#id]) {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  }
  memref.copy %r, %z : memref<?x8xf32, strided<[8, 1], offset: ?>> to memref<?x8xf32>
  kernel.leave ins(%y : memref<?x?x8xf32>) lengths(%len : memref<?xi32>) outs(%out : memref<?x?x8xf32>) {perm = array<i64: 1, 0, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
  return
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// A GPU's threads write rows side by side.
// CHECK-LABEL: func.func @device(
// CHECK: kernel.leave
module attributes {kernel.targets = [#kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 196608, l2 = 41943040, gpu = <warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>>]} {
func.func @device(%h: memref<?x8xf32>, %len: memref<?xi32>, %out: memref<?x?x8xf32> {rnnc.slot = #rnnc.slot<output "out", ["batch", "T", 8]>},
    %rows: memref<?xi32>, %n: index, %T: index) attributes {rnnc.function = #rnnc.function<"" "f", ["batch", "T"] results = 1>} {
  %c0 = arith.constant 0 : index
  %y = memref.alloc(%T, %n) : memref<?x?x8xf32>
  %r = memref.subview %y[%c0, 0, 0] [1, %n, 8] [1, 1, 1] : memref<?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
  kernel.phase ins(%h : memref<?x8xf32>) outs(%r : memref<?x8xf32, strided<[8, 1], offset: ?>>) valid(%rows : memref<?xi32>) columns([]) maps([#id]) {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  }
  kernel.leave ins(%y : memref<?x?x8xf32>) lengths(%len : memref<?xi32>) outs(%out : memref<?x?x8xf32>) {perm = array<i64: 1, 0, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
  return
}
}

// -----

#id = affine_map<(d0, d1) -> (d0, d1)>

// All steps of all chunks are read as one matrix.
// CHECK-LABEL: func.func @matrix(
// CHECK: memref.alloc
// CHECK: kernel.leave
func.func @matrix(%h: memref<?x8xf32>, %len: memref<?xi32>, %out: memref<?x?x8xf32> {rnnc.slot = #rnnc.slot<output "out", ["batch", "T", 8]>},
    %rows: memref<?xi32>, %z: memref<?x8xf32>, %n: index, %T: index, %c: index, %s: index) attributes {rnnc.function = #rnnc.function<"" "f", ["batch", "T"] results = 1>} {
  %c0 = arith.constant 0 : index
  %y = memref.alloc(%c, %s, %n) : memref<?x?x?x8xf32>
  %r = memref.subview %y[%c0, %c0, 0, 0] [1, 1, %n, 8] [1, 1, 1, 1] : memref<?x?x?x8xf32> to memref<?x8xf32, strided<[8, 1], offset: ?>>
  kernel.phase ins(%h : memref<?x8xf32>) outs(%r : memref<?x8xf32, strided<[8, 1], offset: ?>>) valid(%rows : memref<?xi32>) columns([]) maps([#id]) {
  ^bb0(%a: f32):
    kernel.yield %a : f32
  }
  %all = memref.collapse_shape %y [[0, 1], [2], [3]] : memref<?x?x?x8xf32> into memref<?x?x8xf32>
  %whole = memref.subview %all[0, 0, 0] [%T, %n, 8] [1, 1, 1] : memref<?x?x8xf32> to memref<?x?x8xf32, strided<[?, 8, 1]>>
  %m = memref.collapse_shape %whole [[0, 1], [2]] : memref<?x?x8xf32, strided<[?, 8, 1]>> into memref<?x8xf32, strided<[?, 1]>>
  memref.copy %m, %z : memref<?x8xf32, strided<[?, 1]>> to memref<?x8xf32>
  kernel.leave ins(%whole : memref<?x?x8xf32, strided<[?, 8, 1]>>) lengths(%len : memref<?xi32>) outs(%out : memref<?x?x8xf32>) {perm = array<i64: 1, 0, 2>, time_dims = array<i64: 0>, batch_dim = 1 : i64}
  return
}
