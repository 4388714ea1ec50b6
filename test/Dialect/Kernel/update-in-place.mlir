// RUN: rnn-opt %s --pass-pipeline='builtin.module(func.func(kernel-update-in-place))' --split-input-file | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#all = affine_map<(d0) -> (d0)>
#one = affine_map<(d0) -> ()>

// A norm of gradients first, then all new values at once.
// CHECK: func.func @M.update({{.*}} attributes {kernel.in_place
func.func @M.update(%p: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}, %g: memref<32xf32> {rnnc.slot = #rnnc.slot<grads "grads", [32]>},
    %s: memref<32xf32> {rnnc.slot = #rnnc.slot<slot "sum", [32]>}, %q: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>},
    %t: memref<32xf32> {rnnc.slot = #rnnc.slot<slot "sum", [32]>}) attributes {rnnc.function = #rnnc.function<"M" "update", [] results = 2>} {
  %norm = memref.alloc() : memref<f32>
  linalg.generic {indexing_maps = [#all, #one], iterator_types = ["reduction"]} ins(%g : memref<32xf32>) outs(%norm : memref<f32>) {
  ^bb0(%a: f32, %sum: f32):
    %0 = arith.addf %sum, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#all, #all, #all, #all, #all], iterator_types = ["parallel"]} ins(%p, %g, %s : memref<32xf32>, memref<32xf32>, memref<32xf32>) outs(%q, %t : memref<32xf32>, memref<32xf32>) {
  ^bb0(%a: f32, %b: f32, %c: f32, %x: f32, %y: f32):
    %0 = arith.subf %a, %b : f32
    %1 = arith.addf %c, %b : f32
    linalg.yield %0, %1 : f32, f32
  }
  return
}

// -----

#all = affine_map<(d0) -> (d0)>

// Two ops write one place: the second would read what the first has written.
// CHECK: func.func @M.update(
// CHECK-NOT: kernel.in_place
func.func @M.update(%p: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}, %g: memref<32xf32> {rnnc.slot = #rnnc.slot<grads "grads", [32]>},
    %q: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}) attributes {rnnc.function = #rnnc.function<"M" "update", [] results = 1>} {
  linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel"]} ins(%p, %g : memref<32xf32>, memref<32xf32>) outs(%q : memref<32xf32>) {
  ^bb0(%a: f32, %b: f32, %x: f32):
    %0 = arith.subf %a, %b : f32
    linalg.yield %0 : f32
  }
  %half = memref.subview %q[0] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1]>>
  %old = memref.subview %p[0] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1]>>
  memref.copy %old, %half : memref<16xf32, strided<[1]>> to memref<16xf32, strided<[1]>>
  return
}

// -----

#all = affine_map<(d0) -> (d0)>
#one = affine_map<(d0) -> ()>

// An old value is read after the new ones are written.
// CHECK: func.func @M.update(
// CHECK-NOT: kernel.in_place
func.func @M.update(%p: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}, %g: memref<32xf32> {rnnc.slot = #rnnc.slot<grads "grads", [32]>},
    %q: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}, %sum: memref<f32> {rnnc.slot = #rnnc.slot<norm "norm", []>}) attributes {rnnc.function = #rnnc.function<"M" "update", [] results = 2>} {
  linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel"]} ins(%p, %g : memref<32xf32>, memref<32xf32>) outs(%q : memref<32xf32>) {
  ^bb0(%a: f32, %b: f32, %x: f32):
    %0 = arith.subf %a, %b : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#all, #one], iterator_types = ["reduction"]} ins(%p : memref<32xf32>) outs(%sum : memref<f32>) {
  ^bb0(%a: f32, %s: f32):
    %0 = arith.addf %s, %a : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#all = affine_map<(d0) -> (d0)>
#turned = affine_map<(d0) -> (31 - d0)>

// A new value is made of an old one at another place.
// CHECK: func.func @M.update(
// CHECK-NOT: kernel.in_place
func.func @M.update(%p: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}, %g: memref<32xf32> {rnnc.slot = #rnnc.slot<grads "grads", [32]>},
    %q: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}) attributes {rnnc.function = #rnnc.function<"M" "update", [] results = 1>} {
  linalg.generic {indexing_maps = [#turned, #all, #all], iterator_types = ["parallel"]} ins(%p, %g : memref<32xf32>, memref<32xf32>) outs(%q : memref<32xf32>) {
  ^bb0(%a: f32, %b: f32, %x: f32):
    %0 = arith.subf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#all = affine_map<(d0) -> (d0)>

// Only updates are asked for.
// CHECK: func.func @M.other(
// CHECK-NOT: kernel.in_place
func.func @M.other(%p: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}, %g: memref<32xf32> {rnnc.slot = #rnnc.slot<grads "grads", [32]>},
    %q: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}) attributes {rnnc.function = #rnnc.function<"M" "other", [] results = 1>} {
  linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel"]} ins(%p, %g : memref<32xf32>, memref<32xf32>) outs(%q : memref<32xf32>) {
  ^bb0(%a: f32, %b: f32, %x: f32):
    %0 = arith.subf %a, %b : f32
    linalg.yield %0 : f32
  }
  return
}

// -----

#all = affine_map<(d0) -> (d0)>
#one = affine_map<(d0) -> ()>
#rows = affine_map<(d0, d1) -> (d0)>
#both = affine_map<(d0, d1) -> (d0, d1)>

// Stretches that lie apart, each with a norm of its old values before; what lies between them stays.
// CHECK: func.func @M.update({{.*}} attributes {kernel.in_place
func.func @M.update(%p: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}, %g: memref<32xf32> {rnnc.slot = #rnnc.slot<grads "grads", [32]>},
    %q: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}) attributes {rnnc.function = #rnnc.function<"M" "update", [] results = 1>} {
  %norms = memref.alloc() : memref<4xf32>
  %p1 = memref.subview %p[0] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1]>>
  %q1 = memref.subview %q[0] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1]>>
  %g1 = memref.subview %g[0] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1]>>
  %pm = memref.expand_shape %p1 [[0, 1]] output_shape [4, 4] : memref<16xf32, strided<[1]>> into memref<4x4xf32>
  linalg.generic {indexing_maps = [#both, #rows], iterator_types = ["parallel", "reduction"]} ins(%pm : memref<4x4xf32>) outs(%norms : memref<4xf32>) {
  ^bb0(%a: f32, %sum: f32):
    %0 = arith.addf %sum, %a : f32
    linalg.yield %0 : f32
  }
  linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel"]} ins(%p1, %g1 : memref<16xf32, strided<[1]>>, memref<16xf32, strided<[1]>>) outs(%q1 : memref<16xf32, strided<[1]>>) {
  ^bb0(%a: f32, %b: f32, %x: f32):
    %0 = arith.subf %a, %b : f32
    linalg.yield %0 : f32
  }
  %p2 = memref.subview %p[16] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1], offset: 16>>
  %q2 = memref.subview %q[16] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1], offset: 16>>
  memref.copy %p2, %q2 : memref<16xf32, strided<[1], offset: 16>> to memref<16xf32, strided<[1], offset: 16>>
  return
}

// -----

#all = affine_map<(d0) -> (d0)>

// The second stretch is made of the first one's old values.
// CHECK: func.func @M.update(
// CHECK-NOT: kernel.in_place
func.func @M.update(%p: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}, %g: memref<32xf32> {rnnc.slot = #rnnc.slot<grads "grads", [32]>},
    %q: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}) attributes {rnnc.function = #rnnc.function<"M" "update", [] results = 1>} {
  %p1 = memref.subview %p[0] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1]>>
  %q1 = memref.subview %q[0] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1]>>
  %g1 = memref.subview %g[0] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1]>>
  linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel"]} ins(%p1, %g1 : memref<16xf32, strided<[1]>>, memref<16xf32, strided<[1]>>) outs(%q1 : memref<16xf32, strided<[1]>>) {
  ^bb0(%a: f32, %b: f32, %x: f32):
    %0 = arith.subf %a, %b : f32
    linalg.yield %0 : f32
  }
  %q2 = memref.subview %q[16] [16] [1] : memref<32xf32> to memref<16xf32, strided<[1], offset: 16>>
  memref.copy %p1, %q2 : memref<16xf32, strided<[1]>> to memref<16xf32, strided<[1], offset: 16>>
  return
}
