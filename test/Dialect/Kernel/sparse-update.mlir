// RUN: rnn-opt %s --kernel-sparse-update='least=32' --split-input-file | FileCheck %s
// RUN: rnn-opt %s --kernel-sparse-update='least=32' --split-input-file --remark-format=emitRemark --remarks-filter=kernel-sparse-update 2>&1 | FileCheck %s --check-prefix=REMARK
// RUN: rnn-opt %s --kernel-sparse-update --split-input-file | FileCheck %s --check-prefix=SMALL
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
// SMALL-NOT: marks

#all = affine_map<(d0) -> (d0)>
#one = affine_map<(d0) -> ()>
#rows = affine_map<(d0, d1) -> (d0, d1)>
#columns = affine_map<(d0, d1) -> (d1)>

// Rows are marked before the first is added, and those that have no mark yet become zero: one by one or sorted, as
// the op that holds both says. Sums go over runs of marked rows; new values do if they are written over the old ones.
// REMARK: [Passed] rows | Category:kernel-sparse-update | Remark="`E`: only those of its 8 rows are updated that a batch reads
module attributes {rnnc.interface = #rnnc.interface<"f32" [#rnnc.module<"M" "model" "M", parameters = [#rnnc.parameter<"b" [4] ["D"] init = {kind = "constant"} offset = 0>, #rnnc.parameter<"E" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 64>], inputs = [], outputs = [], states = [], exports = [], settings = {}>]>} {
  // CHECK-LABEL: func.func @M.grad(
  // CHECK-SAME: %[[I:.*]]: memref<?x?xi32> {{.*}}%[[MARKS:[^:]*]]: memref<10xi32> {rnnc.slot = #rnnc.slot<marks "marks.E", [10]>}, %{{.*}}: memref<4xf32> {{.*}}%[[G:.*]]: memref<8x4xf32>
  func.func @M.grad(%i: memref<?x?xi32> {rnnc.slot = #rnnc.slot<input "i", ["batch", "T"]>}, %u: memref<?x?x4xf32>, %few: i1,
      %b: memref<4xf32> {rnnc.slot = #rnnc.slot<grad "grad.b", [4]>}, %g: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.E", [8, 4]>}) attributes {rnnc.function = #rnnc.function<"M" "grad", ["batch", "T"] results = 2>} {
    // CHECK-NEXT: %[[ZERO:.*]] = arith.constant 0.0
    %zero = arith.constant 0.0 : f32
    // CHECK-NEXT: linalg.fill {{.*}} outs(%{{.*}} : memref<4xf32>)
    linalg.fill ins(%zero : f32) outs(%g : memref<8x4xf32>)
    linalg.fill ins(%zero : f32) outs(%b : memref<4xf32>)
    // CHECK: %[[CHOICE:.*]] = memref.load %[[MARKS]][%c9{{.*}}]
    // CHECK: %[[LEAVES:.*]] = arith.cmpi ne, %[[CHOICE]]
    // CHECK: scf.if
    // CHECK-NEXT: linalg.fill ins(%[[ZERO]] : f32) outs(%[[G]] : memref<8x4xf32>)
    // CHECK: %[[ALL:.*]] = memref.subview %[[MARKS]][0] [9] [1]
    // CHECK: linalg.fill ins(%{{.*}} : i32) outs(%[[ALL]]
    // CHECK: scf.for
    // CHECK: scf.for
    // CHECK: memref.load %[[I]]
    // CHECK: %[[ROW:.*]] = arith.select
    // CHECK: memref.load %[[MARKS]][%[[ROW]]]
    // CHECK: memref.store %{{.*}}, %[[MARKS]][%[[ROW]]]
    // CHECK: scf.if %[[LEAVES]]
    // CHECK-NEXT: %[[VIEW:.*]] = memref.subview %[[G]][%[[ROW]], 0] [1, 4] [1, 1] : memref<8x4xf32> to memref<4xf32
    // CHECK-NEXT: linalg.fill ins(%[[ZERO]] : f32) outs(%[[VIEW]]
    // CHECK: kernel.scatter_add
    scf.if %few {
      kernel.scatter_add ins(%u, %i : memref<?x?x4xf32>, memref<?x?xi32>) outs(%g : memref<8x4xf32>)
    } else {
      %c0 = arith.constant 0 : index
      %sorted = memref.subview %u[0, 0, 0] [1, 2, 4] [1, 1, 1] : memref<?x?x4xf32> to memref<2x4xf32, strided<[4, 1]>>
      %row = memref.subview %g[%c0, 0] [1, 4] [1, 1] : memref<8x4xf32> to memref<4xf32, strided<[1], offset: ?>>
      linalg.generic {indexing_maps = [#rows, #columns], iterator_types = ["reduction", "parallel"]} ins(%sorted : memref<2x4xf32, strided<[4, 1]>>) outs(%row : memref<4xf32, strided<[1], offset: ?>>) {
      ^bb0(%x: f32, %y: f32):
        %0 = arith.addf %y, %x : f32
        linalg.yield %0 : f32
      }
    } {kernel.adds_rows}
    return
  }

  // CHECK-LABEL: func.func @M.update(
  // CHECK-SAME: %[[P:.*]]: memref<48xf32> {{.*}}%[[G:.*]]: memref<48xf32> {{.*}}%[[MARKS:[^:]*]]: memref<10xi32> {rnnc.slot = #rnnc.slot<marks "marks.E", [10]>}, %[[Q:.*]]: memref<48xf32>
  func.func @M.update(%p: memref<48xf32> {rnnc.slot = #rnnc.slot<params "params", [48]>}, %g: memref<48xf32> {rnnc.slot = #rnnc.slot<grads "grads", [48]>},
      %q: memref<48xf32> {rnnc.slot = #rnnc.slot<params "params", [48]>}) attributes {grad.keeps_still = array<i64: 0, 48>, kernel.in_place, rnnc.function = #rnnc.function<"M" "update", [] results = 1>} {
    // What lies before the table, then its rows.
    // CHECK: %[[NORM:.*]] = memref.alloc
    // CHECK: %[[BEFORE:.*]] = memref.subview %[[G]][0] [16] [1]
    // CHECK: linalg.generic {{.*}}"reduction"{{.*}} ins(%[[BEFORE]]
    // CHECK: scf.for %[[ROW:.*]] = %{{.*}} to %c9{{.*}} step %{{.*}} iter_args(%[[BEGIN:.*]] = %c-1{{.*}})
    // CHECK: memref.load %[[MARKS]][%[[ROW]]]
    // CHECK: scf.if
    // CHECK: %[[PART:.*]] = memref.subview %[[G]][%{{.*}}] [%{{.*}}] [1]
    // CHECK-NEXT: linalg.generic {{.*}}"reduction"{{.*}} ins(%[[PART]] {{.*}} outs(%[[NORM]]
    %norm = memref.alloc() : memref<f32>
    linalg.generic {indexing_maps = [#all, #one], iterator_types = ["reduction"]} ins(%g : memref<48xf32>) outs(%norm : memref<f32>) {
    ^bb0(%a: f32, %sum: f32):
      %0 = arith.mulf %a, %a : f32
      %1 = arith.addf %sum, %0 : f32
      linalg.yield %1 : f32
    }
    // CHECK: linalg.generic {{.*}}"parallel"
    // CHECK: scf.if
    // CHECK: scf.for
    // CHECK: memref.subview %[[P]][%[[AT:.*]]] [%[[SIZE:.*]]] [1]
    // CHECK-NEXT: memref.subview %[[G]][%[[AT]]] [%[[SIZE]]] [1]
    // CHECK-NEXT: memref.subview %[[Q]][%[[AT]]] [%[[SIZE]]] [1]
    // CHECK-NEXT: linalg.generic {{.*}}"parallel"
    // CHECK: else
    // CHECK-NEXT: memref.subview %[[P]][16] [32] [1]
    // CHECK: linalg.generic {{.*}}"parallel"
    // CHECK-NOT: linalg.generic
    // CHECK: return
    linalg.generic {indexing_maps = [#all, #all, #one, #all], iterator_types = ["parallel"]} ins(%p, %g, %norm : memref<48xf32>, memref<48xf32>, memref<f32>) outs(%q : memref<48xf32>) {
    ^bb0(%a: f32, %b: f32, %c: f32, %x: f32):
      %0 = arith.divf %b, %c : f32
      %1 = arith.subf %a, %0 : f32
      linalg.yield %1 : f32
    }
    return
  }
}

// -----

#all = affine_map<(d0) -> (d0)>

// An update that moves what has no gradient needs them all, and so does one that says nothing.
// REMARK: [Missed] rows | Category:kernel-sparse-update | Remark="`E`: all of its 8 rows are updated: its update moves rows without a gradient too (`momentum`)
// REMARK: [Missed] rows | Category:kernel-sparse-update | Remark="`E`: all of its 8 rows are updated: its update is no sweep over each row by itself
module attributes {rnnc.interface = #rnnc.interface<"f32" [#rnnc.module<"M" "model" "M", parameters = [#rnnc.parameter<"E" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 0>], inputs = [], outputs = [], states = [], exports = [], settings = {}>, #rnnc.module<"N" "model" "N", parameters = [#rnnc.parameter<"E" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 0>], inputs = [], outputs = [], states = [], exports = [], settings = {}>]>} {
  // CHECK-NOT: marks
  func.func @M.grad(%i: memref<?xi32>, %u: memref<?x4xf32>, %g: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.E", [8, 4]>}) attributes {rnnc.function = #rnnc.function<"M" "grad", ["batch"] results = 1>} {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%g : memref<8x4xf32>)
    kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%g : memref<8x4xf32>)
    return
  }
  func.func @M.update(%p: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}, %g: memref<32xf32> {rnnc.slot = #rnnc.slot<grads "grads", [32]>},
      %q: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}) attributes {grad.moves_all = "`momentum`", kernel.in_place, rnnc.function = #rnnc.function<"M" "update", [] results = 1>} {
    linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel"]} ins(%p, %g : memref<32xf32>, memref<32xf32>) outs(%q : memref<32xf32>) {
    ^bb0(%a: f32, %b: f32, %x: f32):
      %1 = arith.subf %a, %b : f32
      linalg.yield %1 : f32
    }
    return
  }
  func.func @N.grad(%i: memref<?xi32>, %u: memref<?x4xf32>, %g: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.E", [8, 4]>}) attributes {rnnc.function = #rnnc.function<"N" "grad", ["batch"] results = 1>} {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%g : memref<8x4xf32>)
    kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%g : memref<8x4xf32>)
    return
  }
  func.func @N.update(%p: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}, %g: memref<32xf32> {rnnc.slot = #rnnc.slot<grads "grads", [32]>},
      %q: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}) attributes {kernel.in_place, rnnc.function = #rnnc.function<"N" "update", [] results = 1>} {
    linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel"]} ins(%p, %g : memref<32xf32>, memref<32xf32>) outs(%q : memref<32xf32>) {
    ^bb0(%a: f32, %b: f32, %x: f32):
      %1 = arith.subf %a, %b : f32
      linalg.yield %1 : f32
    }
    return
  }
}

// -----

#all = affine_map<(d0) -> (d0)>

// Rows stay still where the update says so, with what the optimiser keeps (G). One op over two tables is not cut (H, K); the
// others are, nevertheless.
// REMARK: [Missed] rows | Category:kernel-sparse-update | Remark="`E`: all of its 8 rows are updated: its update moves rows without a gradient too (`adam`)
// REMARK: [Passed] rows | Category:kernel-sparse-update | Remark="`G`: only those of its 8 rows are updated that a batch reads
// REMARK: [Missed] rows | Category:kernel-sparse-update | Remark="`H`: all of its 8 rows are updated: its update is no sweep over each row by itself
// REMARK: [Missed] rows | Category:kernel-sparse-update | Remark="`K`: all of its 8 rows are updated: its update is no sweep over each row by itself
module attributes {rnnc.interface = #rnnc.interface<"f32" [#rnnc.module<"S" "model" "S", parameters = [#rnnc.parameter<"E" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 0>, #rnnc.parameter<"G" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 128>, #rnnc.parameter<"H" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 256>, #rnnc.parameter<"K" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 384>], inputs = [], outputs = [], states = [], exports = [], settings = {}>]>} {
  // CHECK-LABEL: func.func @S.grad(
  // CHECK-SAME: "marks.G"
  // CHECK-NOT: marks
  func.func @S.grad(%i: memref<?xi32>, %u: memref<?x4xf32>,
      %e: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.E", [8, 4]>}, %g: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.G", [8, 4]>}, %h: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.H", [8, 4]>}, %k: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.K", [8, 4]>}) attributes {rnnc.function = #rnnc.function<"S" "grad", ["batch"] results = 4>} {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%e : memref<8x4xf32>)
    kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%e : memref<8x4xf32>)
    linalg.fill ins(%zero : f32) outs(%g : memref<8x4xf32>)
    kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%g : memref<8x4xf32>)
    linalg.fill ins(%zero : f32) outs(%h : memref<8x4xf32>)
    kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%h : memref<8x4xf32>)
    linalg.fill ins(%zero : f32) outs(%k : memref<8x4xf32>)
    kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%k : memref<8x4xf32>)
    return
  }
  // CHECK-LABEL: func.func @S.update(
  // CHECK-SAME: "marks.G"
  func.func @S.update(%p: memref<128xf32> {rnnc.slot = #rnnc.slot<params "params", [128]>}, %g: memref<128xf32> {rnnc.slot = #rnnc.slot<grads "grads", [128]>}, %m: memref<128xf32> {rnnc.slot = #rnnc.slot<slot "m", [128]>},
      %q: memref<128xf32> {rnnc.slot = #rnnc.slot<params "params", [128]>}, %n: memref<128xf32> {rnnc.slot = #rnnc.slot<slot "m", [128]>}) attributes {grad.keeps_still = array<i64: 32, 64, 64, 96, 96, 128>, grad.moves_all = "`adam`", kernel.in_place, rnnc.function = #rnnc.function<"S" "update", [] results = 2>} {
    %pE = memref.subview %p[0] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1]>>
    %gE = memref.subview %g[0] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1]>>
    %mE = memref.subview %m[0] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1]>>
    %qE = memref.subview %q[0] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1]>>
    %nE = memref.subview %n[0] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1]>>
    %pG = memref.subview %p[32] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 32>>
    %gG = memref.subview %g[32] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 32>>
    %mG = memref.subview %m[32] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 32>>
    %qG = memref.subview %q[32] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 32>>
    %nG = memref.subview %n[32] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 32>>
    %pH = memref.subview %p[64] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 64>>
    %gH = memref.subview %g[64] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 64>>
    %mH = memref.subview %m[64] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 64>>
    %qH = memref.subview %q[64] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 64>>
    %nH = memref.subview %n[64] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 64>>
    %pI = memref.subview %p[96] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 96>>
    %gI = memref.subview %g[96] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 96>>
    %mI = memref.subview %m[96] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 96>>
    %qI = memref.subview %q[96] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 96>>
    %nI = memref.subview %n[96] [32] [1] : memref<128xf32> to memref<32xf32, strided<[1], offset: 96>>
    // CHECK-COUNT-20: memref.subview %{{.*}} [32] [1]
    // CHECK: linalg.generic
    // CHECK: scf.if
    // CHECK: scf.for
    // CHECK: scf.if
    // CHECK-COUNT-5: memref.subview %{{.*}}[%[[AT:.*]]] [%[[SIZE:.*]]] [1]
    // CHECK-NEXT: linalg.generic
    // CHECK: else
    // CHECK: linalg.generic
    // CHECK: linalg.generic
    // CHECK-NOT: linalg.generic
    // CHECK: return
    linalg.generic {indexing_maps = [#all, #all, #all, #all, #all], iterator_types = ["parallel"]} ins(%pE, %gE, %mE : memref<32xf32, strided<[1]>>, memref<32xf32, strided<[1]>>, memref<32xf32, strided<[1]>>)
        outs(%qE, %nE : memref<32xf32, strided<[1]>>, memref<32xf32, strided<[1]>>) {
    ^bb0(%a0: f32, %b0: f32, %c0: f32, %x0: f32, %y0: f32):
      %s0 = arith.addf %c0, %b0 : f32
      %t0 = arith.subf %a0, %s0 : f32
      linalg.yield %t0, %s0 : f32, f32
    }
    linalg.generic {indexing_maps = [#all, #all, #all, #all, #all], iterator_types = ["parallel"]} ins(%pG, %gG, %mG : memref<32xf32, strided<[1], offset: 32>>, memref<32xf32, strided<[1], offset: 32>>, memref<32xf32, strided<[1], offset: 32>>)
        outs(%qG, %nG : memref<32xf32, strided<[1], offset: 32>>, memref<32xf32, strided<[1], offset: 32>>) {
    ^bb0(%a0: f32, %b0: f32, %c0: f32, %x0: f32, %y0: f32):
      %s0 = arith.addf %c0, %b0 : f32
      %t0 = arith.subf %a0, %s0 : f32
      linalg.yield %t0, %s0 : f32, f32
    }
    linalg.generic {indexing_maps = [#all, #all, #all, #all, #all, #all, #all, #all, #all, #all], iterator_types = ["parallel"]} ins(%pH, %gH, %mH, %pI, %gI, %mI : memref<32xf32, strided<[1], offset: 64>>, memref<32xf32, strided<[1], offset: 64>>, memref<32xf32, strided<[1], offset: 64>>, memref<32xf32, strided<[1], offset: 96>>, memref<32xf32, strided<[1], offset: 96>>, memref<32xf32, strided<[1], offset: 96>>)
        outs(%qH, %nH, %qI, %nI : memref<32xf32, strided<[1], offset: 64>>, memref<32xf32, strided<[1], offset: 64>>, memref<32xf32, strided<[1], offset: 96>>, memref<32xf32, strided<[1], offset: 96>>) {
    ^bb0(%a0: f32, %b0: f32, %c0: f32, %a1: f32, %b1: f32, %c1: f32, %x0: f32, %y0: f32, %x1: f32, %y1: f32):
      %s0 = arith.addf %c0, %b0 : f32
      %t0 = arith.subf %a0, %s0 : f32
      %s1 = arith.addf %c1, %b1 : f32
      %t1 = arith.subf %a1, %s1 : f32
      linalg.yield %t0, %s0, %t1, %s1 : f32, f32, f32, f32
    }
    return
  }
}

// -----

#all = affine_map<(d0) -> (d0)>

// The gradient is copied to where a later op reads all of it.
// REMARK: [Missed] rows | Category:kernel-sparse-update | Remark="`E`: all of its 8 rows are updated: its update is no sweep over each row by itself
module attributes {rnnc.interface = #rnnc.interface<"f32" [#rnnc.module<"M" "model" "M", parameters = [#rnnc.parameter<"E" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 0>], inputs = [], outputs = [], states = [], exports = [], settings = {}>]>} {
  // CHECK-NOT: marks
  func.func @M.grad(%i: memref<?xi32>, %u: memref<?x4xf32>, %g: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.E", [8, 4]>}) attributes {rnnc.function = #rnnc.function<"M" "grad", ["batch"] results = 1>} {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%g : memref<8x4xf32>)
    kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%g : memref<8x4xf32>)
    return
  }
  func.func @M.update(%p: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}, %g: memref<32xf32> {rnnc.slot = #rnnc.slot<grads "grads", [32]>},
      %q: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}) attributes {grad.keeps_still = array<i64: 0, 32>, kernel.in_place, rnnc.function = #rnnc.function<"M" "update", [] results = 1>} {
    %copy = memref.alloc() : memref<32xf32>
    memref.copy %g, %copy : memref<32xf32> to memref<32xf32>
    linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel"]} ins(%p, %copy : memref<32xf32>, memref<32xf32>) outs(%q : memref<32xf32>) {
    ^bb0(%a: f32, %b: f32, %x: f32):
      %1 = arith.subf %a, %b : f32
      linalg.yield %1 : f32
    }
    return
  }
}

// -----

#all = affine_map<(d0) -> (d0)>
#matrix = affine_map<(d0, d1) -> (d0, d1)>

// No table: something else is added to all rows (A), rows are added to no zeros (B), two ops add rows (C), the second
// way to add rows may write any (D), the indices are made where they are read (E), there is one for each example (F).
// REMARK-NOT: rows |
module attributes {rnnc.interface = #rnnc.interface<"f32" [#rnnc.module<"M" "model" "M", parameters = [#rnnc.parameter<"A" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 0>, #rnnc.parameter<"B" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 128>, #rnnc.parameter<"C" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 256>, #rnnc.parameter<"D" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 384>, #rnnc.parameter<"E" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 512>, #rnnc.parameter<"F" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 640>], inputs = [], outputs = [], states = [], exports = [], settings = {}>]>} {
  // CHECK-NOT: marks
  func.func @M.grad(%i: memref<?xi32>, %u: memref<?x4xf32>, %j: memref<8xi32>, %v: memref<8xf32>, %few: i1, %a: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.A", [8, 4]>},
      %b: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.B", [8, 4]>}, %c: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.C", [8, 4]>}, %d: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.D", [8, 4]>},
      %e: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.E", [8, 4]>}, %f: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.F", [8, 4]>}) attributes {rnnc.function = #rnnc.function<"M" "grad", ["batch"] results = 6>} {
    %zero = arith.constant 0.0 : f32
    %one = arith.constant 1.0 : f32
    linalg.fill ins(%zero : f32) outs(%a : memref<8x4xf32>)
    kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%a : memref<8x4xf32>)
    linalg.generic {indexing_maps = [#matrix], iterator_types = ["parallel", "parallel"]} outs(%a : memref<8x4xf32>) {
    ^bb0(%x: f32):
      %1 = arith.addf %x, %one : f32
      linalg.yield %1 : f32
    }
    linalg.fill ins(%one : f32) outs(%b : memref<8x4xf32>)
    kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%b : memref<8x4xf32>)
    linalg.fill ins(%zero : f32) outs(%c : memref<8x4xf32>)
    kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%c : memref<8x4xf32>)
    kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%c : memref<8x4xf32>)
    linalg.fill ins(%zero : f32) outs(%d : memref<8x4xf32>)
    scf.if %few {
      kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%d : memref<8x4xf32>)
    } else {
      linalg.fill ins(%one : f32) outs(%d : memref<8x4xf32>)
    }
    linalg.fill ins(%zero : f32) outs(%e : memref<8x4xf32>)
    scf.if %few {
      %own = memref.subview %i[0] [8] [1] : memref<?xi32> to memref<8xi32>
      %ownRows = memref.subview %u[0, 0] [8, 4] [1, 1] : memref<?x4xf32> to memref<8x4xf32, strided<[4, 1]>>
      kernel.scatter_add ins(%ownRows, %own : memref<8x4xf32, strided<[4, 1]>>, memref<8xi32>) outs(%e : memref<8x4xf32>)
    }
    linalg.fill ins(%zero : f32) outs(%f : memref<8x4xf32>)
    kernel.scatter_add ins(%v, %j : memref<8xf32>, memref<8xi32>) outs(%f : memref<8x4xf32>) {batch_dims = 1 : i64}
    return
  }
  func.func @M.update(%p: memref<192xf32> {rnnc.slot = #rnnc.slot<params "params", [192]>}, %g: memref<192xf32> {rnnc.slot = #rnnc.slot<grads "grads", [192]>},
      %q: memref<192xf32> {rnnc.slot = #rnnc.slot<params "params", [192]>}) attributes {grad.keeps_still = array<i64: 0, 192>, kernel.in_place, rnnc.function = #rnnc.function<"M" "update", [] results = 1>} {
    linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel"]} ins(%p, %g : memref<192xf32>, memref<192xf32>) outs(%q : memref<192xf32>) {
    ^bb0(%x: f32, %y: f32, %z: f32):
      %1 = arith.subf %x, %y : f32
      linalg.yield %1 : f32
    }
    return
  }
}

// -----

#all = affine_map<(d0) -> (d0)>

// REMARK: [Missed] rows | Category:kernel-sparse-update | Remark="`E`: all of its 8 rows are updated: code for GPUs updates all rows
module attributes {kernel.targets = [#kernel.target<"sm_80", vector_bits = 1024, registers = 255, fma = true, l1 = 32768, l2 = 262144, dots = false, half_dots = false, gpu = <warp = 32, block = 1024, processors = 108, registers = 65536, shared = 49152>>], rnnc.interface = #rnnc.interface<"f32" [#rnnc.module<"M" "model" "M", parameters = [#rnnc.parameter<"E" [8, 4] ["V", "D"] init = {kind = "constant"} offset = 0>], inputs = [], outputs = [], states = [], exports = [], settings = {}>]>} {
  // CHECK-NOT: marks
  func.func @M.grad(%i: memref<?xi32>, %u: memref<?x4xf32>, %g: memref<8x4xf32> {rnnc.slot = #rnnc.slot<grad "grad.E", [8, 4]>}) attributes {rnnc.function = #rnnc.function<"M" "grad", ["batch"] results = 1>} {
    %zero = arith.constant 0.0 : f32
    linalg.fill ins(%zero : f32) outs(%g : memref<8x4xf32>)
    kernel.scatter_add ins(%u, %i : memref<?x4xf32>, memref<?xi32>) outs(%g : memref<8x4xf32>)
    return
  }
  func.func @M.update(%p: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}, %g: memref<32xf32> {rnnc.slot = #rnnc.slot<grads "grads", [32]>},
      %q: memref<32xf32> {rnnc.slot = #rnnc.slot<params "params", [32]>}) attributes {grad.keeps_still = array<i64: 0, 32>, kernel.in_place, rnnc.function = #rnnc.function<"M" "update", [] results = 1>} {
    linalg.generic {indexing_maps = [#all, #all, #all], iterator_types = ["parallel"]} ins(%p, %g : memref<32xf32>, memref<32xf32>) outs(%q : memref<32xf32>) {
    ^bb0(%a: f32, %b: f32, %x: f32):
      %1 = arith.subf %a, %b : f32
      linalg.yield %1 : f32
    }
    return
  }
}
