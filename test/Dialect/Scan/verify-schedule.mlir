// RUN: rnn-opt %s --scan-verify-schedule --split-input-file --verify-diagnostics
// RUN: rnn-opt %s --scan-hoist --canonicalize --scan-verify-schedule --split-input-file
// What is refused here is accepted once it has been hoisted.

func.func @carried(%xs: tensor<?x?x8xf32>, %u: tensor<8x8xf32>, %h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  %hT = scan.loop trip(%T) slices(%x = %xs : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %s = arith.addf %x, %h : tensor<?x8xf32>
    %n = scan.dot %s, %u batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  return %hT : tensor<?x8xf32>
}

// -----

func.func @free(%xs: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  %hT = scan.loop trip(%T) slices(%x = %xs : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    // expected-error @+1 {{stands in a time loop whose carries it does not need}}
    %p = scan.dot %x, %w batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    %n = arith.addf %h, %p : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  return %hT : tensor<?x8xf32>
}

// -----

// In an inner loop, a carry of the outer one does not count. Through an inner
// loop, a carry does.
func.func @nested(%u: tensor<8x8xf32>, %h0: tensor<?x8xf32>, %T: index, %N: index) -> tensor<?x8xf32> {
  %hT = scan.loop trip(%T) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %q = scan.loop trip(%N) carry(%g = %h0 : tensor<?x8xf32>) step(%s) {
      // expected-error @+1 {{stands in a time loop whose carries it does not need}}
      %p = scan.dot %h, %u batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
      %m = arith.addf %g, %p : tensor<?x8xf32>
      scan.yield carry(%m : tensor<?x8xf32>)
    } -> (tensor<?x8xf32>)
    %r = scan.dot %q, %u batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    scan.yield carry(%r : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  return %hT : tensor<?x8xf32>
}

// -----

// Not all steps at once: the inner loop, which has no such form.
func.func @obstacle(%xs: tensor<?x?x8xf32>, %w: tensor<8x8xf32>, %h0: tensor<?x8xf32>, %T: index) -> tensor<?x8xf32> {
  %hT = scan.loop trip(%T) slices(%x = %xs : tensor<?x?x8xf32>) carry(%h = %h0 : tensor<?x8xf32>) step(%t) {
    %a = scan.loop trip(%T) carry(%b = %x : tensor<?x8xf32>) step(%s) {
      %m = arith.mulf %b, %b : tensor<?x8xf32>
      scan.yield carry(%m : tensor<?x8xf32>)
    } -> (tensor<?x8xf32>)
    %p = scan.dot %a, %w batch = [[], []] contract = [[1], [1]] : tensor<?x8xf32>, tensor<8x8xf32> -> tensor<?x8xf32>
    %n = arith.addf %h, %p : tensor<?x8xf32>
    scan.yield carry(%n : tensor<?x8xf32>)
  } -> (tensor<?x8xf32>)
  return %hT : tensor<?x8xf32>
}

// -----

// Products of two values of the step may stay for their size.
func.func @of_step(%ks: tensor<?x?x64xf32>, %k0: tensor<?x64x64xf32>, %T: index) -> tensor<?x64x64xf32> {
  %r = scan.loop trip(%T) slices(%k = %ks : tensor<?x?x64xf32>) carry(%s = %k0 : tensor<?x64x64xf32>) step(%t) {
    %p = scan.dot %k, %k batch = [[0], [0]] contract = [[], []] : tensor<?x64xf32>, tensor<?x64xf32> -> tensor<?x64x64xf32>
    %n = arith.addf %s, %p : tensor<?x64x64xf32>
    scan.yield carry(%n : tensor<?x64x64xf32>)
  } -> (tensor<?x64x64xf32>)
  return %r : tensor<?x64x64xf32>
}
