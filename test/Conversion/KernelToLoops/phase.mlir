// RUN: rnn-opt %s --kernel-select-schedule=targets=v3 --kernel-choose-target --kernel-outline --convert-kernel-to-loops | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// Panels of units outside, tiles of rows inside: each calls the products, then
// computes the region from the sums they left. A vector has 8 units, and 12
// units are one and a half panels.
// CHECK-LABEL: func.func @gates(
// CHECK: call @rnnc.gemm.phase.pack2.tasks.f32
// CHECK: call @rnnc.kernel.0.tasks
// Tasks are tiles of rows where there are enough of them, else panels.
// CHECK-LABEL: func.func private @rnnc.kernel.0.tasks(
// CHECK: %[[TILES:.*]] = arith.ceildivui
// CHECK: %[[MANY:.*]] = arith.cmpi sge, %{{.*}}, %c2_i64
// CHECK: arith.select %[[MANY]]
// CHECK-LABEL: func.func private @rnnc.kernel.0(
// CHECK: memref.alloca() {alignment = 64 : i64} : memref<5x2x8xf32>
// Three tiles, which two members cannot share, are four where each has four
// rows then.
// CHECK: %[[TILES:.*]] = arith.ceildivui %[[ROWS:.*]], %c5
// CHECK: %[[ODD:.*]] = arith.andi %[[TILES]], %c1
// CHECK: %[[MORE:.*]] = arith.addi %[[TILES]], %[[ODD]]
// CHECK-DAG: %[[FEW:.*]] = arith.cmpi ult, %[[TILES]], %c16
// CHECK-DAG: %[[SEVERAL:.*]] = arith.cmpi ugt, %[[TILES]], %c1
// CHECK-DAG: %[[LEAST:.*]] = arith.muli %[[MORE]], %c4
// CHECK-DAG: %[[ENOUGH:.*]] = arith.cmpi uge, %[[ROWS]], %[[LEAST]]
// CHECK: arith.select %{{.*}}, %[[MORE]], %[[TILES]]
// CHECK: %[[MANY:.*]] = arith.cmpi sge, %{{.*}}, %c2
// CHECK: %[[FROM:.*]] = arith.select %[[MANY]], %{{.*}}, %[[ZERO:.*]] : index
// CHECK: %[[TO:.*]] = arith.select %[[MANY]],
// CHECK: %[[FIRST:.*]] = arith.select %[[MANY]], %[[ZERO]],
// CHECK: %[[END:.*]] = arith.select %[[MANY]],
// CHECK: scf.for %{{.*}} = %[[FIRST]] to %[[END]] step %c8
// CHECK: scf.for %{{.*}} = %[[FROM]] to %[[TO]] step %c1
// CHECK: call @rnnc.gemm.phase.rows2x1.f32
// CHECK: arith.mulf %{{.*}}, %{{.*}} : vector<8xf32>
// A tile for every number of rows.
// CHECK-DAG: func.func private @rnnc.gemm.phase.tile1x2x1.f32
// CHECK-DAG: func.func private @rnnc.gemm.phase.tile5x2x1.f32
func.func @gates(%h: memref<?x3xf32>, %U: memref<24x3xf32>, %o: memref<?x12xf32>) {
  %p = memref.alloc() : memref<104xf32>
  kernel.pack ins(%U : memref<24x3xf32>) outs(%p : memref<104xf32>) {trans, columns = array<i64: 0, 12>, units = 12 : i64}
  kernel.phase products(%h : memref<?x3xf32>) with(%p : memref<104xf32>) outs(%o : memref<?x12xf32>)
      columns([array<i64: 0, 12>]) maps([]) attributes {packed} {
  ^bb0(%a: f32, %b: f32):
    %0 = arith.mulf %a, %b : f32
    kernel.yield %0 : f32
  }
  return
}
