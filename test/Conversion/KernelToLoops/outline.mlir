// RUN: rnn-opt %s --kernel-outline --split-input-file | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// What is the same is one function, also where one buffer is a part of a
// larger one; loops that operands share have one size. Products stay.

// CHECK-LABEL: func.func @layers
// CHECK: call @rnnc.kernel.0(%{{.*}}, %[[N:[0-9]+]], %{{.*}}, %{{.*}}) : (!llvm.ptr, i64, !llvm.ptr, f32) -> ()
// CHECK: call @rnnc.kernel.0(
// CHECK: kernel.pack
// CHECK-NOT: linalg
// CHECK: return
// CHECK: func.func private @rnnc.kernel.0(%{{.*}}: !llvm.ptr, %{{.*}}: i64, %{{.*}}: !llvm.ptr, %{{.*}}: f32) attributes {passthrough = ["noinline"], rnnc.kernel}
// CHECK: arith.constant 2.000000e+00
// CHECK: linalg.generic {{.*}} ins(%{{.*}} : memref<?x64xf32>) outs(%{{.*}} : memref<?x64xf32>)
// CHECK-NOT: @rnnc.kernel.1

#id = affine_map<(i, j) -> (i, j)>
func.func @layers(%x: memref<?x64xf32>, %y: memref<?x64xf32>, %s: memref<8x?x64xf32>,
                  %w: memref<64x64xf32>, %p: memref<8192xf32>, %a: f32) {
  %c0 = arith.constant 0 : index
  %two = arith.constant 2.0 : f32
  %n = memref.dim %x, %c0 : memref<?x64xf32>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x64xf32>) outs(%y : memref<?x64xf32>) {
  ^bb0(%in: f32, %o: f32):
    %0 = arith.mulf %in, %a : f32
    %1 = arith.addf %0, %two : f32
    linalg.yield %1 : f32
  }
  %part = memref.subview %s[3, 0, 0] [1, %n, 64] [1, 1, 1] : memref<8x?x64xf32> to memref<?x64xf32, strided<[64, 1], offset: ?>>
  linalg.generic {indexing_maps = [#id, #id], iterator_types = ["parallel", "parallel"]}
      ins(%x : memref<?x64xf32>) outs(%part : memref<?x64xf32, strided<[64, 1], offset: ?>>) {
  ^bb0(%in: f32, %o: f32):
    %0 = arith.mulf %in, %a : f32
    %1 = arith.addf %0, %two : f32
    linalg.yield %1 : f32
  }
  kernel.pack ins(%w : memref<64x64xf32>) outs(%p : memref<8192xf32>) {trans}
  return
}

// -----

// A layout that is no strides stays where it is, and so does a single value.

// CHECK-LABEL: func.func @left
// CHECK: memref.copy
// CHECK: linalg.fill
// CHECK-NOT: rnnc.kernel
#tiled = affine_map<(i) -> (i floordiv 8, i mod 8)>
func.func @left(%x: memref<64xf32, #tiled>, %y: memref<64xf32, #tiled>, %z: memref<f32>, %a: f32) {
  memref.copy %x, %y : memref<64xf32, #tiled> to memref<64xf32, #tiled>
  linalg.fill ins(%a : f32) outs(%z : memref<f32>)
  return
}

// -----

// Fills and copies of memory without gaps are of any number of elements.

// CHECK-LABEL: func.func @flat
// CHECK: call @rnnc.kernel.0(%{{.*}}, %{{.*}}, %c32_i64) : (f32, !llvm.ptr, i64) -> ()
// CHECK: call @rnnc.kernel.0(
// CHECK: func.func private @rnnc.kernel.0
// CHECK: linalg.fill ins(%{{.*}} : f32) outs(%{{.*}} : memref<?xf32>)
// CHECK-NOT: @rnnc.kernel.1
func.func @flat(%x: memref<4x8xf32>, %y: memref<?x?x64xf32>, %a: f32) {
  linalg.fill ins(%a : f32) outs(%x : memref<4x8xf32>)
  linalg.fill ins(%a : f32) outs(%y : memref<?x?x64xf32>)
  return
}

// -----

// Two loops that are the same but for their buffers are one function; one that
// is there once stays, and what is the same inside of it is found.

// CHECK-LABEL: func.func @stack
// CHECK: call @rnnc.loop.0(%[[T:[a-z0-9]+]], %{{.*}}, %{{.*}}) : (index, !llvm.ptr, !llvm.ptr) -> ()
// CHECK: call @rnnc.loop.0(%[[T]],
// CHECK: scf.for
// CHECK: call @rnnc.loop.1(
// CHECK: call @rnnc.loop.1(
// CHECK: func.func private @rnnc.loop.0({{.*}}) attributes {passthrough = ["noinline"], rnnc.part}
// CHECK: scf.for
// CHECK: func.call @rnnc.kernel.0
// CHECK: func.func private @rnnc.loop.1(
// CHECK-NOT: @rnnc.loop.2

#id = affine_map<(i, j) -> (i, j)>
func.func @stack(%x: memref<8x4x64xf32>, %y: memref<8x4x64xf32>, %z: memref<8x4x64xf32>, %T: index) {
  %c0 = arith.constant 0 : index
  %c1 = arith.constant 1 : index
  %c7 = arith.constant 7 : index
  scf.for %t = %c0 to %T step %c1 {
    %a = memref.subview %x[%t, 0, 0] [1, 4, 64] [1, 1, 1] : memref<8x4x64xf32> to memref<4x64xf32, strided<[64, 1], offset: ?>>
    %b = memref.subview %y[%t, 0, 0] [1, 4, 64] [1, 1, 1] : memref<8x4x64xf32> to memref<4x64xf32, strided<[64, 1], offset: ?>>
    memref.copy %a, %b : memref<4x64xf32, strided<[64, 1], offset: ?>> to memref<4x64xf32, strided<[64, 1], offset: ?>>
  }
  scf.for %t = %c0 to %T step %c1 {
    %a = memref.subview %y[%t, 0, 0] [1, 4, 64] [1, 1, 1] : memref<8x4x64xf32> to memref<4x64xf32, strided<[64, 1], offset: ?>>
    %b = memref.subview %z[%t, 0, 0] [1, 4, 64] [1, 1, 1] : memref<8x4x64xf32> to memref<4x64xf32, strided<[64, 1], offset: ?>>
    memref.copy %a, %b : memref<4x64xf32, strided<[64, 1], offset: ?>> to memref<4x64xf32, strided<[64, 1], offset: ?>>
  }
  scf.for %t = %c0 to %T step %c1 {
    scf.for %s = %c0 to %c7 step %c1 {
      %a = memref.subview %x[%s, 0, 0] [1, 4, 64] [1, 1, 1] : memref<8x4x64xf32> to memref<4x64xf32, strided<[64, 1], offset: ?>>
      memref.copy %a, %a : memref<4x64xf32, strided<[64, 1], offset: ?>> to memref<4x64xf32, strided<[64, 1], offset: ?>>
    }
    scf.for %s = %c0 to %c7 step %c1 {
      %a = memref.subview %y[%s, 0, 0] [1, 4, 64] [1, 1, 1] : memref<8x4x64xf32> to memref<4x64xf32, strided<[64, 1], offset: ?>>
      memref.copy %a, %a : memref<4x64xf32, strided<[64, 1], offset: ?>> to memref<4x64xf32, strided<[64, 1], offset: ?>>
    }
  }
  return
}
