// RUN: rnn-opt %s --scan-leave-padding | FileCheck %s
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

// The rows go to a loop that masks whatever leaves it; the sum after it has a
// factor that is zero past the ends.
// CHECK-LABEL: func @loop(
// CHECK-SAME: %[[LEN:[a-z0-9]+]]: tensor<?xi32>
// CHECK: scan.dot %{{.*}}, %{{.*}} lengths(%[[LEN]]) batch = {{.*}} contract = {{\[\[2\], \[1\]\]}}
// CHECK: scan.loop
// CHECK: scan.dot %{{.*}}, %{{.*}} batch
// CHECK: scan.dot %{{.*}}, %{{.*}} lengths(%[[LEN]]) batch = {{.*}} contract = {{\[\[0, 1\], \[0, 1\]\]}}
func.func @loop(%x: tensor<?x?x3xf32>, %w: tensor<4x3xf32>, %u: tensor<4x4xf32>, %h0: tensor<?x4xf32>, %len: tensor<?xi32>, %T: index) -> (tensor<?x4xf32>, tensor<4x3xf32>) {
  %z = scan.dot %x, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x3xf32>, tensor<4x3xf32> -> tensor<?x?x4xf32>
  %hs, %hT = scan.loop trip(%T) lengths(%len) slices(%s = %z : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %r = scan.dot %h, %u batch = [[], []] contract = [[1], [1]] : tensor<?x4xf32>, tensor<4x4xf32> -> tensor<?x4xf32>
    %a = arith.addf %s, %r : tensor<?x4xf32>
    %n = math.tanh %a : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>) stack(%n : tensor<?x4xf32>)
  } -> (tensor<?x?x4xf32>, tensor<?x4xf32>)
  %d = scan.dot %hs, %x batch = [[], []] contract = [[0, 1], [0, 1]] : tensor<?x?x4xf32>, tensor<?x?x3xf32> -> tensor<4x3xf32>
  return %hT, %d : tensor<?x4xf32>, tensor<4x3xf32>
}

// A head: log-sum-exp of rows, masked before they are added up. Its gradient is
// masked, too, where it is added up, and not where its rows go on.
// CHECK-LABEL: func @head(
// CHECK-SAME: %[[LEN:[a-z0-9]+]]: tensor<?xi32>
// CHECK-COUNT-3: scan.dot {{.*}} lengths(%[[LEN]])
// CHECK-NOT: scan.dot {{.*}} batch
// CHECK: return
func.func @head(%h: tensor<?x?x3xf32>, %v: tensor<9x3xf32>, %len: tensor<?xi32>, %T: index, %B: index) -> (tensor<f32>, tensor<9x3xf32>, tensor<?x?x3xf32>) {
  %y = scan.dot %h, %v batch = [[], []] contract = [[2], [1]] : tensor<?x?x3xf32>, tensor<9x3xf32> -> tensor<?x?x9xf32>
  %l = scan.reduce logsumexp %y dims = [2] : tensor<?x?x9xf32> -> tensor<?x?xf32>
  %m = scan.mask %l lengths(%len) {time_dim = 0 : i64, batch_dim = 1 : i64} : tensor<?x?xf32>
  %s = scan.reduce sum %m dims = [0, 1] : tensor<?x?xf32> -> tensor<f32>
  %lb = scan.broadcast %l sizes(%T, %B) dims = [0, 1] : tensor<?x?xf32> -> tensor<?x?x9xf32>
  %e = arith.subf %y, %lb : tensor<?x?x9xf32>
  %p = math.exp %e : tensor<?x?x9xf32>
  %pm = scan.mask %p lengths(%len) {time_dim = 0 : i64, batch_dim = 1 : i64} : tensor<?x?x9xf32>
  %dv = scan.dot %pm, %h batch = [[], []] contract = [[0, 1], [0, 1]] : tensor<?x?x9xf32>, tensor<?x?x3xf32> -> tensor<9x3xf32>
  %dh = scan.dot %p, %v batch = [[], []] contract = [[2], [0]] : tensor<?x?x9xf32>, tensor<9x3xf32> -> tensor<?x?x3xf32>
  %out = scan.leave %dh lengths(%len) : tensor<?x?x3xf32> -> tensor<?x?x3xf32>
  return %s, %dv, %out : tensor<f32>, tensor<9x3xf32>, tensor<?x?x3xf32>
}

// A sum over one more dimension keeps all terms: what may be infinite where the
// other factor is zero is masked, whichever side it is on; what is zero is not.
// CHECK-LABEL: func @more(
// CHECK-SAME: %[[X:[a-z0-9]+]]: tensor<?x?x2xf32>, %[[Q:[a-z0-9]+]]: tensor<?x?x2x3xf32>
// CHECK: %[[M:.*]] = scan.mask %[[Q]] lengths(%[[LEN:.*]]) {batch_dim = 1 : i64, time_dim = 0 : i64}
// CHECK: scan.dot %{{.*}}, %[[M]] batch = {{.*}} contract = {{\[}}[0, 1, 2], [0, 1, 2]]
// CHECK: %[[L:.*]] = scan.mask %[[Q]] lengths(%[[LEN]])
// CHECK: scan.dot %[[L]], %{{.*}} batch
// CHECK-NOT: scan.mask
// CHECK: return
func.func @more(%x: tensor<?x?x2xf32>, %q: tensor<?x?x2x3xf32>, %z: tensor<?x?x2x3xf32>, %len: tensor<?xi32>)
    -> (tensor<3xf32>, tensor<3xf32>, tensor<3xf32>) {
  %e = scan.enter %x lengths(%len) : tensor<?x?x2xf32> -> tensor<?x?x2xf32>
  %f = scan.enter %z lengths(%len) : tensor<?x?x2x3xf32> -> tensor<?x?x2x3xf32>
  %a = scan.dot %e, %q batch = [[], []] contract = [[0, 1, 2], [0, 1, 2]] : tensor<?x?x2xf32>, tensor<?x?x2x3xf32> -> tensor<3xf32>
  %b = scan.dot %q, %e batch = [[], []] contract = [[0, 1, 2], [0, 1, 2]] : tensor<?x?x2x3xf32>, tensor<?x?x2xf32> -> tensor<3xf32>
  %c = scan.dot %e, %f batch = [[], []] contract = [[0, 1, 2], [0, 1, 2]] : tensor<?x?x2xf32>, tensor<?x?x2x3xf32> -> tensor<3xf32>
  return %a, %b, %c : tensor<3xf32>, tensor<3xf32>, tensor<3xf32>
}

// What is seen past an end is computed: a result, a sum that does not mask, a
// loop that lets all rows out, masks of two time axes.
// CHECK-LABEL: func @seen(
// CHECK-NOT: lengths({{.*}}) batch
// CHECK: return
func.func @seen(%x: tensor<?x?x3xf32>, %w: tensor<4x3xf32>, %h0: tensor<?x4xf32>, %len: tensor<?xi32>, %other: tensor<?xi32>, %T: index)
    -> (tensor<?x?x4xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x3xf32>) {
  %a = scan.dot %x, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x3xf32>, tensor<4x3xf32> -> tensor<?x?x4xf32>
  %x2 = arith.mulf %x, %x : tensor<?x?x3xf32>
  %b = scan.dot %x2, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x3xf32>, tensor<4x3xf32> -> tensor<?x?x4xf32>
  %sum = scan.reduce sum %b dims = [0, 1] : tensor<?x?x4xf32> -> tensor<4xf32>
  %x3 = arith.mulf %x2, %x : tensor<?x?x3xf32>
  %c = scan.dot %x3, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x3xf32>, tensor<4x3xf32> -> tensor<?x?x4xf32>
  %hT = scan.loop trip(%T) lengths(%len) slices(%s = %c : tensor<?x?x4xf32>) carry(%h = %h0 : tensor<?x4xf32>) step(%t) {
    %n = arith.addf %h, %s : tensor<?x4xf32>
    scan.yield carry(%n : tensor<?x4xf32>)
  } -> (tensor<?x4xf32>) {unmasked_carries = array<i64: 0>}
  %x4 = arith.mulf %x3, %x : tensor<?x?x3xf32>
  %d = scan.dot %x4, %w batch = [[], []] contract = [[2], [1]] : tensor<?x?x3xf32>, tensor<4x3xf32> -> tensor<?x?x4xf32>
  %m0 = scan.mask %d lengths(%len) {time_dim = 0 : i64, batch_dim = 1 : i64} : tensor<?x?x4xf32>
  %m1 = scan.mask %d lengths(%other) {time_dim = 0 : i64, batch_dim = 1 : i64} : tensor<?x?x4xf32>
  %e = scan.dot %a, %x batch = [[], []] contract = [[0, 1], [0, 1]] : tensor<?x?x4xf32>, tensor<?x?x3xf32> -> tensor<4x3xf32>
  return %a, %sum, %hT, %m0, %m1, %e : tensor<?x?x4xf32>, tensor<4xf32>, tensor<?x4xf32>, tensor<?x?x4xf32>, tensor<?x?x4xf32>, tensor<4x3xf32>
}
