//! The normal tail, exact where prices need it: Mills' ratio M(z) = N(-z) / phi(z) of two points and their
//! difference without cancellation.

use crate::coefficients::{MILLS, MILLS_OFFSET, MILLS_POLE, MILLS_SHIFT, MILLS_SLOPE};
use crate::elementary::fma;

/// Where the fit of M begins, a little below zero.
pub use crate::coefficients::MILLS_LOW as LOWEST;

/// 1 / sqrt(2 pi)
pub const PHI_0: f64 = 0.398_942_280_401_432_7;
/// sqrt(2 pi)
pub const SQRT_2PI: f64 = 2.506_628_274_631_000_5;

pub struct Tails {
    /// M(near)
    pub near: f64,
    /// M(far)
    pub far: f64,
    /// M(near) - M(far)
    pub difference: f64,
}

/// Mills' ratio at `near` and `far = near + distance`, both at least `LOWEST`.
///
/// M(z) = P(t(z)) w(z) with w = 1 / (z + shift) and t linear in u = 1 / (z + pole). One pass gives P at the far
/// point and the divided difference of P between the two points; differences of w and of u are products. So M(near) - M(far) comes out as `distance` times a sum without cancellation, however
/// close the points are, which is what keeps the price of a short-dated option exact.
#[inline(always)]
pub fn tails<const FMA: bool>(near: f64, far: f64, distance: f64) -> Tails {
    let (near_pole, near_shift) = (near + MILLS_POLE, near + MILLS_SHIFT);
    let (far_pole, far_shift) = (far + MILLS_POLE, far + MILLS_SHIFT);
    let (near_u, near_w, far_u, far_w) = (1.0 / near_pole, 1.0 / near_shift, 1.0 / far_pole, 1.0 / far_shift);
    let near_t = fma::<FMA>(MILLS_SLOPE, near_u, MILLS_OFFSET);
    let far_t = fma::<FMA>(MILLS_SLOPE, far_u, MILLS_OFFSET);
    let (value, divided) = divided_difference::<FMA>(near_t, far_t);
    let slope = MILLS_SLOPE * near_u * far_u * divided;
    Tails {
        near: fma::<FMA>(slope, distance, value) * near_w,
        far: value * far_w,
        difference: distance * near_w * fma::<FMA>(value, far_w, slope),
    }
}

/// P(b) and (P(a) - P(b)) / (a - b). Horner's rule on the even and on the odd part of P, each with its divided
/// difference in the same pass: (E(a^2) - E(b^2)) / (a^2 - b^2) is what remains of E divided by (y - b^2), at a^2.
#[inline(always)]
fn divided_difference<const FMA: bool>(a: f64, b: f64) -> (f64, f64) {
    let (a_square, b_square) = (a * a, b * b);
    let (mut even, mut odd, mut even_divided, mut odd_divided) = (0.0, 0.0, 0.0, 0.0);
    for i in (0..MILLS.len()).rev() {
        if i % 2 == 0 {
            even_divided = fma::<FMA>(even_divided, a_square, even);
            even = fma::<FMA>(even, b_square, MILLS[i]);
        } else {
            odd_divided = fma::<FMA>(odd_divided, a_square, odd);
            odd = fma::<FMA>(odd, b_square, MILLS[i]);
        }
    }
    let sum = a + b;
    let odd_at_a = fma::<FMA>((a - b) * sum, odd_divided, odd);
    (fma::<FMA>(odd, b, even), fma::<FMA>(sum, fma::<FMA>(odd_divided, b, even_divided), odd_at_a))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tails_meet_known_values() {
        // N(-1) / phi(1), N(-5) / phi(5), N(-30) / phi(30) from 40-digit arithmetic.
        for (z, exact) in [
            (0.0, 1.253_314_137_315_500_3),
            (1.0, 0.655_679_542_418_798_5),
            (5.0, 0.192_808_104_715_315_76),
            (30.0, 0.033_296_419_072_497_21),
        ] {
            let tails = tails::<false>(z, z + 0.5, 0.5);
            assert!((tails.near / exact - 1.0).abs() < 1e-15, "M({z}) = {}", tails.near);
        }
    }

    #[test]
    fn the_difference_of_neighbours_is_the_derivative() {
        // M'(z) = z M(z) - 1, and at 0 exactly -1.
        let tails = tails::<false>(0.0, 1e-12, 1e-12);
        assert!((tails.difference / 1e-12 - 1.0).abs() < 1e-11);
    }
}
