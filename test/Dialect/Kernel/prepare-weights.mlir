// RUN: rnn-opt %s --kernel-prepare-weights --split-input-file | FileCheck %s
// RUN: rnn-opt %s --kernel-prepare-weights=gradients=true --split-input-file | FileCheck %s --check-prefix=GRADS
// RUN: rnn-opt %s --kernel-prepare-weights=stored-bits=16 --split-input-file | FileCheck %s --check-prefix=BF16
// RUN: rnn-opt %s --kernel-prepare-weights=stored-bits=8 --split-input-file | FileCheck %s --check-prefix=INT8
// RUN: not rnn-opt %s --kernel-prepare-weights=stored-bits=4 --split-input-file 2>&1 | FileCheck %s --check-prefix=BITS
// BITS: error: kernel-prepare-weights: numbers are stored in 8 or 16 bits, or as they are
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Two functions read the same panel; the other operand is made of two
// parameters. The new argument stands before the results.

// CHECK-LABEL: func.func @M.prepare(
// CHECK-SAME: %[[W:arg0]]: memref<8x4xf32> {rnnc.slot = #rnnc.slot<param "W"
// CHECK-SAME: %[[U:arg1]]: memref<4x4xf32> {rnnc.slot = #rnnc.slot<param "U"
// CHECK-SAME: %[[V:arg2]]: memref<4x4xf32> {rnnc.slot = #rnnc.slot<param "V"
// CHECK-SAME: %[[BUF:arg3]]: memref<576xf32> {rnnc.slot = #rnnc.slot<prepared "prepared", [576]>}
// CHECK-SAME: rnnc.function = #rnnc.function<"M" "prepare", [] results = 1>
// CHECK: %[[BOTH:.*]] = memref.alloc() : memref<8x4xf32>
// CHECK: %[[P:.*]] = memref.subview %[[BUF]][0] [288] [1]
// CHECK: kernel.pack ins(%[[W]] : memref<8x4xf32>) outs(%[[P]] :{{.*}}) {trans}
// CHECK: %[[Q:.*]] = memref.subview %[[BUF]][288] [288] [1]
// CHECK: memref.copy %[[U]]
// CHECK: memref.copy %[[V]]
// CHECK: kernel.pack ins(%[[BOTH]] : memref<8x4xf32>) outs(%[[Q]] :{{.*}}) {trans}

// CHECK-LABEL: func.func @M.loss(
// CHECK-SAME: %arg3: memref<?x4xf32>, %[[BUF:arg4]]: memref<576xf32> {rnnc.slot = #rnnc.slot<prepared "prepared", [576]>}, %[[Z:arg5]]: memref<?x8xf32>
// CHECK: %[[P:.*]] = memref.subview %[[BUF]][0]
// CHECK: %[[Q:.*]] = memref.subview %[[BUF]][288]
// CHECK-NOT: memref.alloc
// CHECK-NOT: kernel.pack
// CHECK: kernel.gemm ins(%arg3, %[[P]] :
// CHECK: kernel.gemm ins(%arg3, %[[Q]] :
// CHECK: return

// As bf16 two steps of K have the room of one, 2 x 8 numbers and what is behind.
// BF16-LABEL: func.func @M.prepare(
// BF16-SAME: memref<96xf32> {rnnc.slot = #rnnc.slot<prepared "prepared", [96]>}
// BF16: kernel.pack {{.*}} outs(%{{.*}} : memref<48xf32{{.*}}) {stored_bits = 16 : i64, trans}
// BF16-LABEL: func.func @M.loss(
// BF16: kernel.gemm {{.*}} {packed_b, stored_bits = 16 : i64}

// As integers four steps have the room of one, and two words follow: 3 x 8 numbers and what is
// behind. Rows become integers before each product, in buffers made where the function begins.
// INT8-LABEL: func.func @M.prepare(
// INT8-SAME: memref<128xf32> {rnnc.slot = #rnnc.slot<prepared "prepared", [128]>}
// INT8: kernel.pack {{.*}} outs(%{{.*}} : memref<56xf32{{.*}}) {stored_bits = 8 : i64, trans}
// INT8-LABEL: func.func @M.loss(
// INT8: %[[ROWS:.*]] = memref.dim %arg3, %{{.*}} : memref<?x4xf32>
// INT8: memref.alloc(%[[ROWS]]) : memref<?x2xf32>
// INT8: kernel.quantize ins(%arg3 : memref<?x4xf32>) outs(%[[Q:.*]] : memref<?x2xf32, strided<[2, 1]>>)
// INT8-NEXT: kernel.gemm ins(%[[Q]], {{.*}} {packed_b, stored_bits = 8 : i64}
func.func @M.loss(%U: memref<4x4xf32> {rnnc.slot = #rnnc.slot<param "U", [4, 4]>},
                  %V: memref<4x4xf32> {rnnc.slot = #rnnc.slot<param "V", [4, 4]>},
                  %W: memref<8x4xf32> {rnnc.slot = #rnnc.slot<param "W", [8, 4]>},
                  %x: memref<?x4xf32>, %z: memref<?x8xf32>)
    attributes {rnnc.function = #rnnc.function<"M" "loss", ["batch"] results = 1>} {
  %both = memref.alloc() : memref<8x4xf32>
  %p = memref.alloc() : memref<288xf32>
  %q = memref.alloc() : memref<288xf32>
  %upper = memref.subview %both[0, 0] [4, 4] [1, 1] : memref<8x4xf32> to memref<4x4xf32, strided<[4, 1]>>
  %lower = memref.subview %both[4, 0] [4, 4] [1, 1] : memref<8x4xf32> to memref<4x4xf32, strided<[4, 1], offset: 16>>
  kernel.pack ins(%W : memref<8x4xf32>) outs(%p : memref<288xf32>) {trans}
  kernel.gemm ins(%x, %p : memref<?x4xf32>, memref<288xf32>) outs(%z : memref<?x8xf32>) {packed_b}
  memref.copy %U, %upper : memref<4x4xf32> to memref<4x4xf32, strided<[4, 1]>>
  memref.copy %V, %lower : memref<4x4xf32> to memref<4x4xf32, strided<[4, 1], offset: 16>>
  kernel.pack ins(%both : memref<8x4xf32>) outs(%q : memref<288xf32>) {trans}
  kernel.gemm ins(%x, %q : memref<?x4xf32>, memref<288xf32>) outs(%z : memref<?x8xf32>) {packed_b, accumulate}
  return
}

// What `step` packs is the same, although its arguments stand elsewhere.

// CHECK-LABEL: func.func @M.step(
// CHECK-SAME: %[[BUF:arg2]]: memref<576xf32> {rnnc.slot = #rnnc.slot<prepared "prepared", [576]>}, %arg3
// CHECK: %[[P:.*]] = memref.subview %[[BUF]][0]
// CHECK-NOT: kernel.pack
// CHECK: kernel.gemm ins(%arg1, %[[P]] :
func.func @M.step(%W: memref<8x4xf32> {rnnc.slot = #rnnc.slot<param "W", [8, 4]>},
                  %x: memref<?x4xf32>, %z: memref<?x8xf32>)
    attributes {rnnc.function = #rnnc.function<"M" "step", ["batch"] results = 1>} {
  %p = memref.alloc() : memref<288xf32>
  kernel.pack ins(%W : memref<8x4xf32>) outs(%p : memref<288xf32>) {trans}
  kernel.gemm ins(%x, %p : memref<?x4xf32>, memref<288xf32>) outs(%z : memref<?x8xf32>) {packed_b}
  return
}

// -----

// A transposed operand that only the gradient needs is packed there, unless
// asked for.

// CHECK-NOT: @G.prepare
// CHECK-LABEL: func.func @G.grad(
// CHECK-NOT: prepared
// CHECK: kernel.pack
// GRADS-LABEL: func.func @G.prepare(
// GRADS: kernel.pack
// GRADS-LABEL: func.func @G.grad(
// GRADS-SAME: prepared
// GRADS-NOT: kernel.pack
// GRADS: return
func.func @G.grad(%W: memref<8x4xf32> {rnnc.slot = #rnnc.slot<param "W", [8, 4]>},
                  %x: memref<?x8xf32>, %z: memref<?x4xf32>)
    attributes {rnnc.function = #rnnc.function<"G" "grad", ["batch"] results = 1>} {
  %p = memref.alloc() : memref<544xf32>
  kernel.pack ins(%W : memref<8x4xf32>) outs(%p : memref<544xf32>)
  kernel.gemm ins(%x, %p : memref<?x8xf32>, memref<544xf32>) outs(%z : memref<?x4xf32>) {packed_b}
  return
}

// -----

// What is computed from data stays where it is: an argument that is no
// parameter, a buffer that depends on one, a buffer that is changed after the
// packing, a panel that is packed twice.

// CHECK-NOT: .prepare
// CHECK-LABEL: func.func @R.loss(
// CHECK-NOT: prepared
// CHECK-COUNT-5: kernel.pack
func.func @R.loss(%W: memref<4x4xf32> {rnnc.slot = #rnnc.slot<param "W", [4, 4]>},
                  %x: memref<4x4xf32> {rnnc.slot = #rnnc.slot<input "x", [4, 4]>}, %z: memref<4x4xf32>)
    attributes {rnnc.function = #rnnc.function<"R" "loss", [] results = 1>} {
  %a = memref.alloc() : memref<272xf32>
  %b = memref.alloc() : memref<272xf32>
  %c = memref.alloc() : memref<272xf32>
  %d = memref.alloc() : memref<272xf32>
  %mixed = memref.alloc() : memref<4x4xf32>
  %late = memref.alloc() : memref<4x4xf32>
  kernel.pack ins(%x : memref<4x4xf32>) outs(%a : memref<272xf32>)
  kernel.gemm ins(%x, %a : memref<4x4xf32>, memref<272xf32>) outs(%z : memref<4x4xf32>) {packed_b}
  memref.copy %x, %mixed : memref<4x4xf32> to memref<4x4xf32>
  kernel.pack ins(%mixed : memref<4x4xf32>) outs(%b : memref<272xf32>)
  kernel.gemm ins(%x, %b : memref<4x4xf32>, memref<272xf32>) outs(%z : memref<4x4xf32>) {packed_b}
  memref.copy %W, %late : memref<4x4xf32> to memref<4x4xf32>
  kernel.pack ins(%late : memref<4x4xf32>) outs(%c : memref<272xf32>)
  kernel.gemm ins(%x, %c : memref<4x4xf32>, memref<272xf32>) outs(%z : memref<4x4xf32>) {packed_b}
  memref.copy %W, %late : memref<4x4xf32> to memref<4x4xf32>
  kernel.pack ins(%W : memref<4x4xf32>) outs(%d : memref<272xf32>)
  kernel.gemm ins(%x, %d : memref<4x4xf32>, memref<272xf32>) outs(%z : memref<4x4xf32>) {packed_b}
  kernel.pack ins(%x : memref<4x4xf32>) outs(%d : memref<272xf32>)
  kernel.gemm ins(%x, %d : memref<4x4xf32>, memref<272xf32>) outs(%z : memref<4x4xf32>) {packed_b}
  return
}
