// RUN: rnn-opt %s | rnn-opt | FileCheck %s

// CHECK-LABEL: func @elementwise
func.func @elementwise(%x: tensor<?x8xf32>, %s: f32) -> tensor<?x8xf32> {
  // CHECK: scan.sigmoid %{{.*}} : tensor<?x8xf32>
  %0 = scan.sigmoid %x : tensor<?x8xf32>
  // CHECK: scan.softplus %{{.*}} : tensor<?x8xf32>
  %1 = scan.softplus %0 : tensor<?x8xf32>
  // CHECK: scan.sigmoid %{{.*}} : f32
  %2 = scan.sigmoid %s : f32
  // CHECK: scan.stop
  %3 = scan.stop %1 : tensor<?x8xf32>
  // CHECK: scan.clipgrad %{{.*}} {limit = 1.000000e+00 : f64}
  %4 = scan.clipgrad %3 {limit = 1.0 : f64} : tensor<?x8xf32>
  return %4 : tensor<?x8xf32>
}

// CHECK-LABEL: func @shapes
func.func @shapes(%x: tensor<?x?x8xf32>, %w: tensor<4x16x8xf32>, %b: tensor<8xf32>, %n: index)
    -> (tensor<?x?x4x16xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x?xi32>, tensor<8x?x?xf32>) {
  // CHECK: scan.dot %{{.*}}, %{{.*}} batch = {{\[\[\], \[\]\]}} contract = {{\[\[2\], \[2\]\]}} : tensor<?x?x8xf32>, tensor<4x16x8xf32> -> tensor<?x?x4x16xf32>
  %0 = scan.dot %x, %w batch = [[], []] contract = [[2], [2]]
     : tensor<?x?x8xf32>, tensor<4x16x8xf32> -> tensor<?x?x4x16xf32>
  // CHECK: scan.broadcast %{{.*}} sizes(%{{.*}}) dims = [1] : tensor<8xf32> -> tensor<?x8xf32>
  %1 = scan.broadcast %b sizes(%n) dims = [1] : tensor<8xf32> -> tensor<?x8xf32>
  // CHECK: scan.reduce logsumexp %{{.*}} dims = [0, 1]
  %2 = scan.reduce logsumexp %x dims = [0, 1] : tensor<?x?x8xf32> -> tensor<8xf32>
  // CHECK: scan.argmax %{{.*}} dim = 2
  %3 = scan.argmax %x dim = 2 : tensor<?x?x8xf32> -> tensor<?x?xi32>
  // CHECK: scan.transpose %{{.*}} perm = [2, 0, 1]
  %4 = scan.transpose %x perm = [2, 0, 1] : tensor<?x?x8xf32> -> tensor<8x?x?xf32>
  return %0, %1, %2, %3, %4 : tensor<?x?x4x16xf32>, tensor<?x8xf32>, tensor<8xf32>, tensor<?x?xi32>, tensor<8x?x?xf32>
}

// CHECK-LABEL: func @places
func.func @places(%x: tensor<?x?x8xf32>, %w: tensor<16x8xf32>, %len: tensor<?xi32>) -> (tensor<?x?x16xf32>, tensor<8x8xf32>) {
  // CHECK: scan.dot %{{.*}}, %{{.*}} lengths(%{{.*}}) batch = {{\[\[\], \[\]\]}} contract = {{\[\[2\], \[1\]\]}} : tensor<?x?x8xf32>, tensor<16x8xf32> -> tensor<?x?x16xf32>
  %0 = scan.dot %x, %w lengths(%len) batch = [[], []] contract = [[2], [1]] : tensor<?x?x8xf32>, tensor<16x8xf32> -> tensor<?x?x16xf32>
  // CHECK: scan.dot %{{.*}}, %{{.*}} lengths(%{{.*}}) batch = {{.*}} contract = {{\[\[0, 1\], \[0, 1\]\]}}
  %1 = scan.dot %x, %x lengths(%len) batch = [[], []] contract = [[0, 1], [0, 1]] : tensor<?x?x8xf32>, tensor<?x?x8xf32> -> tensor<8x8xf32>
  return %0, %1 : tensor<?x?x16xf32>, tensor<8x8xf32>
}

// CHECK-LABEL: func @lookup
func.func @lookup(%e: tensor<96x64xf32>, %i: tensor<?x?xi32>, %s: tensor<?x?x96xf32>, %n: index)
    -> (tensor<96x64xf32>, tensor<?x?xf32>) {
  // CHECK: scan.gather %{{.*}}[%{{.*}}] batch_dims = 0 : tensor<96x64xf32>, tensor<?x?xi32> -> tensor<?x?x64xf32>
  %0 = scan.gather %e[%i] batch_dims = 0 : tensor<96x64xf32>, tensor<?x?xi32> -> tensor<?x?x64xf32>
  // CHECK: scan.scatter_add %{{.*}}[%{{.*}}] batch_dims = 0
  %1 = scan.scatter_add %0[%i] batch_dims = 0 : tensor<?x?x64xf32>, tensor<?x?xi32> -> tensor<96x64xf32>
  // CHECK: scan.gather %{{.*}}[%{{.*}}] batch_dims = 2
  %2 = scan.gather %s[%i] batch_dims = 2 : tensor<?x?x96xf32>, tensor<?x?xi32> -> tensor<?x?xf32>
  return %1, %2 : tensor<96x64xf32>, tensor<?x?xf32>
}

// CHECK-LABEL: func @sequences
func.func @sequences(%x: tensor<?x?x8xf32>, %len: tensor<?xi32>, %k: tensor<?x8xf32>, %T: index, %key: tensor<2xi64>)
    -> (tensor<?x?x8xf32>, tensor<?x8xf32>) {
  // CHECK: scan.enter %{{.*}} lengths(%{{.*}}) : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  %0 = scan.enter %x lengths(%len) : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  // CHECK: scan.mask %{{.*}} lengths(%{{.*}}) {batch_dim = 1 : i64, time_dim = 0 : i64} : tensor<?x?x8xf32>
  %1 = scan.mask %0 lengths(%len) {time_dim = 0, batch_dim = 1} : tensor<?x?x8xf32>
  // CHECK: scan.mask %{{.*}} lengths(%{{.*}}) at(%{{.*}}) {batch_dim = 0 : i64}
  %2 = scan.mask %k lengths(%len) at(%T) {batch_dim = 0} : tensor<?x8xf32>
  // CHECK: scan.reverse %{{.*}} lengths(%{{.*}}) : tensor<?x?x8xf32>
  %3 = scan.reverse %1 lengths(%len) : tensor<?x?x8xf32>
  // CHECK: scan.shift %{{.*}} fill(%{{.*}} : tensor<?x8xf32>) {by = 1 : i64}
  %4 = scan.shift %3 fill(%2 : tensor<?x8xf32>) {by = 1} : tensor<?x?x8xf32>
  // CHECK: scan.pick_step last %{{.*}} lengths(%{{.*}}) : tensor<?x?x8xf32> -> tensor<?x8xf32>
  %5 = scan.pick_step last %4 lengths(%len) : tensor<?x?x8xf32> -> tensor<?x8xf32>
  // CHECK: scan.place_step first %{{.*}} lengths(%{{.*}}) size(%{{.*}}) : tensor<?x8xf32> -> tensor<?x?x8xf32>
  %6 = scan.place_step first %5 lengths(%len) size(%T) : tensor<?x8xf32> -> tensor<?x?x8xf32>
  // CHECK: scan.random %{{.*}} sizes(%{{.*}}, %{{.*}}) {batch_dim = 1 : i64, site = 3 : i64, time_dim = 0 : i64} : tensor<?x?x8xf32>
  %7 = scan.random %key sizes(%T, %T) {site = 3, time_dim = 0, batch_dim = 1} : tensor<?x?x8xf32>
  %8 = arith.mulf %6, %7 : tensor<?x?x8xf32>
  // CHECK: scan.leave %{{.*}} lengths(%{{.*}}) : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  %9 = scan.leave %8 lengths(%len) : tensor<?x?x8xf32> -> tensor<?x?x8xf32>
  return %9, %5 : tensor<?x?x8xf32>, tensor<?x8xf32>
}

// CHECK-LABEL: func @segments
func.func @segments(%x: tensor<?x?x8xf32>, %len: tensor<?xi32>, %T: index, %key: tensor<2xi64>) -> (tensor<?x?x8xf32>, tensor<?xi32>) {
  // CHECK: %[[N:.*]], %[[K:.*]] = scan.segments %{{.*}} <sqrt>
  %n, %k = scan.segments %T <sqrt>
  // CHECK: scan.segments %{{.*}} <every, 10>
  %n1, %k1 = scan.segments %T <every, 10>
  // CHECK: scan.segments %{{.*}} <memory, 5000>
  %n2, %k2 = scan.segments %T <memory, 5000>
  // CHECK: scan.split %{{.*}} into(%[[N]], %[[K]]) : tensor<?x?x8xf32> -> tensor<?x?x?x8xf32>
  %0 = scan.split %x into(%n, %k) : tensor<?x?x8xf32> -> tensor<?x?x?x8xf32>
  // CHECK: scan.random %{{.*}} sizes(%{{.*}}, %{{.*}}) at(%[[K]]) {site = 3 : i64, time_dim = 0 : i64}
  %1 = scan.random %key sizes(%k, %T) at(%k) {site = 3, time_dim = 0} : tensor<?x?x8xf32>
  // CHECK: scan.loop
  %2 = scan.loop trip(%n) slices(%s = %0 : tensor<?x?x?x8xf32>) step(%t) {
    %v = arith.mulf %s, %1 : tensor<?x?x8xf32>
    scan.yield stack(%v : tensor<?x?x8xf32>)
  // CHECK: -> tensor<?x?x?x8xf32> {recompute}
  } -> (tensor<?x?x?x8xf32>) {recompute}
  // CHECK: scan.join %{{.*}} lengths(%{{.*}}) size(%{{.*}}) : tensor<?x?x?x8xf32> -> tensor<?x?x8xf32>
  %3 = scan.join %2 lengths(%len) size(%T) : tensor<?x?x?x8xf32> -> tensor<?x?x8xf32>
  // CHECK: scan.part_lengths %{{.*}} from(%[[K]]) steps(%[[K]])
  %4 = scan.part_lengths %len from(%k) steps(%k)
  // CHECK: scan.loop
  %5 = scan.loop trip(%T) carry(%c = %4 : tensor<?xi32>) step(%t) {
    scan.yield carry(%c : tensor<?xi32>)
  // CHECK: {checkpoint = #scan.checkpoint<every, 3>}
  } -> (tensor<?xi32>) {checkpoint = #scan.checkpoint<every, 3>}
  return %3, %5 : tensor<?x?x8xf32>, tensor<?xi32>
}

// CHECK-LABEL: func @loop
func.func @loop(%xs: tensor<?x?x8xf32>, %h0: tensor<?x8xf32>, %len: tensor<?xi32>, %T: index, %u: tensor<8x8xf32>)
    -> (tensor<?x?x8xf32>, tensor<?x8xf32>) {
  // CHECK: scan.loop trip(%{{.*}}) lengths(%{{.*}}) reverse slices(%{{.*}} = %{{.*}} : tensor<?x?x8xf32>) carry(%{{.*}} = %{{.*}} : tensor<?x8xf32>) step(%{{.*}}) {
  %ys, %hT = scan.loop trip(%T) lengths(%len) reverse slices(%x = %xs : tensor<?x?x8xf32>)
      carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %z = scan.dot %h, %u batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    %s = arith.addf %x, %z : tensor<?x8xf32>
    %n = math.tanh %s : tensor<?x8xf32>
    // CHECK: scan.yield carry(%{{.*}} : tensor<?x8xf32>) stack(%{{.*}} : tensor<?x8xf32>)
    scan.yield carry(%n : tensor<?x8xf32>) stack(%n : tensor<?x8xf32>)
  // CHECK: -> (tensor<?x?x8xf32>, tensor<?x8xf32>) {unroll = 4 : i64}
  } -> (tensor<?x?x8xf32>, tensor<?x8xf32>) {unroll = 4}
  return %ys, %hT : tensor<?x?x8xf32>, tensor<?x8xf32>
}
