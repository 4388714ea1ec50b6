// RUN: rnn-opt %s --kernel-form-phases --kernel-select-schedule=targets=v3 --convert-scan-to-kernel --cse --canonicalize | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// One LSTM layer: one product before the loop, one in it, one pointwise phase a
// step; h lives in the stack, c in two buffers; nothing is allocated in the loop.

// CHECK-LABEL: func.func @lstm.forward
// CHECK-SAME: %[[LEN:arg1]]: memref<?xi32>
// CHECK-SAME: attributes {rnnc.function = #rnnc.function<"" "lstm.forward", ["batch", "T"] results = 3>}
// CHECK: %[[HS:.*]] = memref.alloc(%{{.*}}, %{{.*}}) : memref<?x?x32xf32>
// CHECK: %[[CS:.*]] = memref.alloc(%{{.*}}) : memref<2x?x32xf32>
// CHECK: kernel.enter
// CHECK: kernel.pack
// CHECK: kernel.gemm {{.*}}{{.*}}packed_b}
// CHECK: kernel.pack
// CHECK: scf.for %[[T:.*]] =
// CHECK-NOT: memref.alloc
// CHECK: %[[NEXT:.*]] = arith.addi %[[T]]
// CHECK: %[[H:.*]] = memref.subview %[[HS]][%[[T]], 0, 0]
// CHECK: %[[H1:.*]] = memref.subview %[[HS]][%[[NEXT]], 0, 0]
// CHECK: kernel.gemm ins(%[[H]], {{.*}}{{.*}}packed_b}
// CHECK: linalg.generic
// CHECK-SAME: iterator_types = ["parallel", "parallel"]
// CHECK-SAME: outs(%{{.*}}, %[[H1]] :
// CHECK: linalg.yield %{{.*}}, %{{.*}} : f32, f32
// CHECK-NOT: linalg.generic
// CHECK: scf.if
// CHECK: kernel.mask_rows outs(%[[H1]] {{.*}} lengths(%[[LEN]] {{.*}} at(%[[T]]) previous(%[[H]]
// CHECK: scf.if
// CHECK: kernel.mask_rows {{.*}} {batch_dim = 1 : i64, time_dim = 0 : i64}
// CHECK: kernel.leave
func.func @lstm.forward(
    %x: tensor<?x?x64xf32> {rnnc.slot = #rnnc.slot<input "x", ["batch", "T", 64]>},
    %len: tensor<?xi32> {rnnc.slot = #rnnc.slot<input "T", ["batch"]>},
    %h0: tensor<?x32xf32> {rnnc.slot = #rnnc.slot<input "", ["batch", 32]>},
    %W: tensor<4x32x64xf32>, %U: tensor<4x32x32xf32>, %b: tensor<4x32xf32>)
    -> (tensor<?x?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>) {
  %c0i = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %batch = tensor.dim %x, %c0i : tensor<?x?x64xf32>
  %T = tensor.dim %x, %c1 : tensor<?x?x64xf32>
  %xs = scan.enter %x lengths(%len) : tensor<?x?x64xf32> -> tensor<?x?x64xf32>
  %xp = scan.dot %xs, %W batch = [[], []] contract = [[2], [2]] : tensor<?x?x64xf32>, tensor<4x32x64xf32> -> tensor<?x?x4x32xf32>
  %zero = arith.constant dense<0.0> : tensor<f32>
  %c0 = scan.broadcast %zero sizes(%batch) dims = [] : tensor<f32> -> tensor<?x32xf32>
  %ys, %hT, %cT = scan.loop trip(%T) lengths(%len)
      slices(%p = %xp : tensor<?x?x4x32xf32>)
      carry(%h = %h0 : tensor<?x32xf32>, %c = %c0 : tensor<?x32xf32>) step(%t) {
    %r = scan.dot %h, %U batch = [[], []] contract = [[1], [2]] : tensor<?x32xf32>, tensor<4x32x32xf32> -> tensor<?x4x32xf32>
    %z0 = arith.addf %p, %r : tensor<?x4x32xf32>
    %bb = scan.broadcast %b sizes(%batch) dims = [1, 2] : tensor<4x32xf32> -> tensor<?x4x32xf32>
    %z = arith.addf %z0, %bb : tensor<?x4x32xf32>
    %zi = tensor.extract_slice %z[0, 0, 0] [%batch, 1, 32] [1, 1, 1] : tensor<?x4x32xf32> to tensor<?x32xf32>
    %zf = tensor.extract_slice %z[0, 1, 0] [%batch, 1, 32] [1, 1, 1] : tensor<?x4x32xf32> to tensor<?x32xf32>
    %zg = tensor.extract_slice %z[0, 2, 0] [%batch, 1, 32] [1, 1, 1] : tensor<?x4x32xf32> to tensor<?x32xf32>
    %zo = tensor.extract_slice %z[0, 3, 0] [%batch, 1, 32] [1, 1, 1] : tensor<?x4x32xf32> to tensor<?x32xf32>
    %i = scan.sigmoid %zi : tensor<?x32xf32>
    %f = scan.sigmoid %zf : tensor<?x32xf32>
    %g = math.tanh %zg : tensor<?x32xf32>
    %o = scan.sigmoid %zo : tensor<?x32xf32>
    %fc = arith.mulf %f, %c : tensor<?x32xf32>
    %ig = arith.mulf %i, %g : tensor<?x32xf32>
    %c1n = arith.addf %fc, %ig : tensor<?x32xf32>
    %th = math.tanh %c1n : tensor<?x32xf32>
    %h1 = arith.mulf %o, %th : tensor<?x32xf32>
    scan.yield carry(%h1, %c1n : tensor<?x32xf32>, tensor<?x32xf32>) stack(%h1 : tensor<?x32xf32>)
  } -> (tensor<?x?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>)
  %out = scan.leave %ys lengths(%len) : tensor<?x?x32xf32> -> tensor<?x?x32xf32>
  return %out, %hT, %cT : tensor<?x?x32xf32>, tensor<?x32xf32>, tensor<?x32xf32>
}
