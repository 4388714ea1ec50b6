// RUN: rnn-opt %s --kernel-merge-sums | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

#all = affine_map<(d0, d1, d2) -> (d0, d1, d2)>
#sum = affine_map<(d0, d1, d2) -> (d2)>
#turned = affine_map<(d0, d1, d2) -> (d1, d0, d2)>

// Two sums of what is read alike; the squares that both compute are computed once.
// CHECK-LABEL: func.func @together(
// CHECK: %[[BOTH:.*]]:2 = linalg.generic {indexing_maps = [#map, #map, #map1, #map1], iterator_types = ["reduction", "reduction", "parallel"]} ins(%arg0, %arg1 : tensor<?x?x8xf32>, tensor<?x?x8xf32>)
// CHECK-NEXT: ^bb0(%[[X:.*]]: f32, %[[Y:.*]]: f32, %[[A:.*]]: f32, %[[B:.*]]: f32):
// CHECK-NEXT: %[[S:.*]] = arith.mulf %[[X]], %[[X]]
// CHECK-NEXT: %[[NA:.*]] = arith.addf %[[A]], %[[S]]
// CHECK-NEXT: %[[P:.*]] = arith.mulf %[[S]], %[[Y]]
// CHECK-NEXT: %[[NB:.*]] = arith.addf %[[B]], %[[P]]
// CHECK-NEXT: linalg.yield %[[NA]], %[[NB]]
// CHECK: return %[[BOTH]]#0, %[[BOTH]]#1
func.func @together(%x: tensor<?x?x8xf32>, %y: tensor<?x?x8xf32>, %zero: tensor<8xf32>) -> (tensor<8xf32>, tensor<8xf32>) {
  %a = linalg.generic {indexing_maps = [#all, #sum], iterator_types = ["reduction", "reduction", "parallel"]} ins(%x : tensor<?x?x8xf32>) outs(%zero : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %0 = arith.mulf %in, %in : f32
    %1 = arith.addf %out, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  %b = linalg.generic {indexing_maps = [#all, #all, #sum], iterator_types = ["reduction", "reduction", "parallel"]} ins(%x, %y : tensor<?x?x8xf32>, tensor<?x?x8xf32>) outs(%zero : tensor<8xf32>) {
  ^bb0(%in: f32, %other: f32, %out: f32):
    %0 = arith.mulf %in, %in : f32
    %1 = arith.mulf %0, %other : f32
    %2 = arith.addf %out, %1 : f32
    linalg.yield %2 : f32
  } -> tensor<8xf32>
  return %a, %b : tensor<8xf32>, tensor<8xf32>
}

// A sum that needs another one, one of something else, one that reads it the other way round, one over fewer dimensions.
// CHECK-LABEL: func.func @apart(
// CHECK-COUNT-5: %{{[0-9]+}} = linalg.generic
// CHECK-NOT: linalg.generic
// CHECK: return
func.func @apart(%x: tensor<?x?x8xf32>, %y: tensor<?x?x8xf32>, %zero: tensor<8xf32>, %rows: tensor<?x8xf32>)
    -> (tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<?x8xf32>) {
  %a = linalg.generic {indexing_maps = [#all, #sum], iterator_types = ["reduction", "reduction", "parallel"]} ins(%x : tensor<?x?x8xf32>) outs(%zero : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %out, %in : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  %b = linalg.generic {indexing_maps = [#all, #sum, #sum], iterator_types = ["reduction", "reduction", "parallel"]} ins(%x, %a : tensor<?x?x8xf32>, tensor<8xf32>) outs(%zero : tensor<8xf32>) {
  ^bb0(%in: f32, %mean: f32, %out: f32):
    %0 = arith.subf %in, %mean : f32
    %1 = arith.addf %out, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  %c = linalg.generic {indexing_maps = [#all, #sum], iterator_types = ["reduction", "reduction", "parallel"]} ins(%y : tensor<?x?x8xf32>) outs(%zero : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %out, %in : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  %d = linalg.generic {indexing_maps = [#turned, #sum], iterator_types = ["reduction", "reduction", "parallel"]} ins(%y : tensor<?x?x8xf32>) outs(%zero : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %out, %in : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  %e = linalg.generic {indexing_maps = [#all, affine_map<(d0, d1, d2) -> (d1, d2)>], iterator_types = ["reduction", "parallel", "parallel"]} ins(%x : tensor<?x?x8xf32>) outs(%rows : tensor<?x8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %out, %in : f32
    linalg.yield %1 : f32
  } -> tensor<?x8xf32>
  %sum = linalg.add ins(%b, %d : tensor<8xf32>, tensor<8xf32>) outs(%zero : tensor<8xf32>) -> tensor<8xf32>
  return %sum, %a, %c, %e : tensor<8xf32>, tensor<8xf32>, tensor<8xf32>, tensor<?x8xf32>
}

// A loop reads the first sum, and the second one what the loop gives.
// CHECK-LABEL: func.func @byLoop(
// CHECK: %[[A:.*]] = linalg.generic
// CHECK: scan.loop
// CHECK: arith.mulf %{{.*}}, %[[A]]
// CHECK: %{{[0-9]+}} = linalg.generic
// CHECK: return
func.func @byLoop(%x: tensor<?x?x8xf32>, %zero: tensor<8xf32>, %n: index) -> (tensor<8xf32>, tensor<8xf32>) {
  %a = linalg.generic {indexing_maps = [#all, #sum], iterator_types = ["reduction", "reduction", "parallel"]} ins(%x : tensor<?x?x8xf32>) outs(%zero : tensor<8xf32>) {
  ^bb0(%in: f32, %out: f32):
    %1 = arith.addf %out, %in : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  %h = scan.loop trip(%n) carry(%c = %zero : tensor<8xf32>) step(%t) {
    %1 = arith.mulf %c, %a : tensor<8xf32>
    scan.yield carry(%1 : tensor<8xf32>)
  } -> tensor<8xf32>
  %b = linalg.generic {indexing_maps = [#all, #sum, #sum], iterator_types = ["reduction", "reduction", "parallel"]} ins(%x, %h : tensor<?x?x8xf32>, tensor<8xf32>) outs(%zero : tensor<8xf32>) {
  ^bb0(%in: f32, %mean: f32, %out: f32):
    %0 = arith.subf %in, %mean : f32
    %1 = arith.addf %out, %0 : f32
    linalg.yield %1 : f32
  } -> tensor<8xf32>
  return %a, %b : tensor<8xf32>, tensor<8xf32>
}
