//! Branch-free exponential and logarithm, so that loops over them vectorise.

use crate::coefficients::{ATANH, EXP};

/// 2^52 + 2^51: adding it leaves the nearest integer in the low bits of the sum.
const ROUNDER: f64 = 6_755_399_441_055_744.0;
/// ln 2 in two parts; the first has trailing zeros, so that a small integer times it is exact.
const LN2_HIGH: f64 = 6.931_471_803_691_238e-1;
const LN2_LOW: f64 = 1.908_214_929_270_587_7e-10;
const EXPONENT: u64 = 0xfff0 << 48;
const ONE: u64 = 0x3ff0 << 48;

/// a b + c, fused where that is one instruction.
#[inline(always)]
pub fn fma<const FMA: bool>(a: f64, b: f64, c: f64) -> f64 {
    if FMA { a.mul_add(b, c) } else { a * b + c }
}

// `f64::min` and `f64::max` spend instructions on NaN, which no caller has.
#[inline(always)]
pub fn smaller(a: f64, b: f64) -> f64 {
    if a < b { a } else { b }
}

#[inline(always)]
pub fn larger(a: f64, b: f64) -> f64 {
    if a > b { a } else { b }
}

/// The polynomial with these coefficients, lowest first. Its even and odd parts are two chains that run side by
/// side: one chain would leave the processor waiting for itself.
#[inline(always)]
pub fn polynomial<const FMA: bool, const N: usize>(coefficients: &[f64; N], x: f64) -> f64 {
    let square = x * x;
    let (mut even, mut odd) = (0.0, 0.0);
    for i in (0..N).rev() {
        if i % 2 == 0 {
            even = fma::<FMA>(even, square, coefficients[i]);
        } else {
            odd = fma::<FMA>(odd, square, coefficients[i]);
        }
    }
    fma::<FMA>(odd, x, even)
}

/// (e^x, e^x - 1) for x <= 709; both with a relative error of about one unit in the last place. Below -708
/// e^x is 0.
#[inline(always)]
pub fn exp_and_expm1<const FMA: bool>(x: f64) -> (f64, f64) {
    let vanishes = x < -708.0;
    let x = smaller(larger(x, -708.0), 709.0);
    let rounded = fma::<FMA>(x, std::f64::consts::LOG2_E, ROUNDER);
    let n = rounded - ROUNDER;
    let r = fma::<FMA>(n, -LN2_LOW, fma::<FMA>(n, -LN2_HIGH, x));
    let less_one = fma::<FMA>(polynomial::<FMA, _>(&EXP, r), r * r, r);
    let scale = f64::from_bits((rounded.to_bits() << 52).wrapping_add(ONE));
    let value = fma::<FMA>(less_one, scale, scale);
    (if vanishes { 0.0 } else { value }, fma::<FMA>(less_one, scale, scale - 1.0))
}

/// e^x for x <= 709.
#[inline(always)]
pub fn exp<const FMA: bool>(x: f64) -> f64 {
    exp_and_expm1::<FMA>(x).0
}

/// ln(a / b) for positive normal a and b whose ratio neither overflows nor underflows, with a small *relative*
/// error however close a is to b: ln(a / b) = e ln 2 + 2 atanh((a - c) / (a + c)) with c = b 2^e, where the
/// difference of near neighbours is exact.
#[inline(always)]
pub fn ln_ratio<const FMA: bool>(a: f64, b: f64) -> f64 {
    // The bits of a float are a rough logarithm: their difference, rounded, is e.
    let shift = a.to_bits().wrapping_sub(b.to_bits()).wrapping_add(1 << 51) & EXPONENT;
    let c = f64::from_bits(b.to_bits().wrapping_add(shift));
    // A signed 12-bit integer becomes a float through the mantissa of 2^52.
    let e = f64::from_bits(((shift >> 52) ^ 0x800) | (0x4330 << 48)) - (4_503_599_627_370_496.0 + 2048.0);
    let s = (a - c) / (a + c);
    let z = s * s;
    let twice = s + s;
    let mantissa = fma::<FMA>(polynomial::<FMA, _>(&ATANH, z) * z, twice, twice);
    fma::<FMA>(e, LN2_HIGH, fma::<FMA>(e, LN2_LOW, mantissa))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponential_is_exact_to_two_units_in_the_last_place() {
        for i in -70_000..=70_000 {
            let x = f64::from(i) * 0.01;
            let (value, less_one) = exp_and_expm1::<false>(x);
            assert!((value / x.exp() - 1.0).abs() < 5e-16, "exp({x})");
            assert!(i == 0 || (less_one / x.exp_m1() - 1.0).abs() < 8e-16, "expm1({x})");
        }
        assert_eq!(exp_and_expm1::<false>(0.0), (1.0, 0.0));
        assert_eq!(exp::<false>(-1e300), 0.0);
    }

    #[test]
    fn logarithm_of_a_ratio_keeps_its_relative_accuracy_next_to_one() {
        assert_eq!(ln_ratio::<false>(3.7, 3.7), 0.0);
        for i in 1..4_000 {
            let near = 1e-15 * 1.01_f64.powi(i % 3_000);
            let a = 1.0 + near;
            let exact = (a - 1.0).ln_1p();
            assert!((ln_ratio::<false>(a * 64.0, 64.0) / exact - 1.0).abs() < 6e-16, "1 + {near}");
            let far = 1e-90 * 1.1_f64.powi(i);
            if far < 1e100 {
                assert!((ln_ratio::<false>(far, 0.3) - (far / 0.3).ln()).abs() < 6e-14, "{far}");
            }
        }
    }
}
