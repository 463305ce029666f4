//! Implied volatility of many options: a seed from the normal model, third-order Householder steps on the
//! logarithm of the out-of-the-money price, and the `implied-vol` crate for the lanes where those do not settle.
//!
//! In the words of P. Jäckel, "Let's be rational" (2015): x = |ln(F/K)|, s = vol sqrt(T), and beta is the
//! undiscounted out-of-the-money price over sqrt(F K).

use implied_vol::{DefaultSpecialFn, ImpliedBlackVolatility};

use crate::coefficients::{SEED, SEED_BEND};
use crate::columns::{BLOCK, Column, Domains, FINITE, Fault, Flags, NOT_NEGATIVE, POSITIVE, Status};
use crate::elementary::{exp, exp_and_expm1, fma, larger, ln_ratio, polynomial, smaller};
use crate::isa::Kernel;
use crate::normal::{LOWEST, SQRT_2PI, tails};

/// price, spot, strike, time, rate, carry
pub const COLUMNS: usize = 6;

pub const DOMAINS: Domains<COLUMNS> =
    Domains { ranges: [FINITE, POSITIVE, POSITIVE, NOT_NEGATIVE, FINITE, FINITE], time: 3, rates: [4, 5] };

const MOST_STEPS: usize = 5;
/// A lane is settled when its last step was below the first, and what that step corrected in ln(beta) below the
/// second: the steps converge with the fourth power, so what is left is rounding.
const SETTLED_STEP: f64 = 1e-4;
const SETTLED_RESIDUAL: f64 = 1e-3;
/// No s above this: the price is its upper bound to the last bit long before.
const WIDEST: f64 = 50.0;
/// Below this beta leaves float64's normal numbers: a price of nothing.
const LEAST_BETA: f64 = 1e-300;

/// A stretch of a batch, as in `chain::Chain`.
pub struct Inversion<'a> {
    pub columns: [Column<'a>; COLUMNS],
    pub calls: Flags<'a>,
    /// Volatilities to start from; NaN or not positive means none.
    pub guess: Option<Column<'a>>,
    pub start: usize,
    pub vol: &'a mut [f64],
    pub status: &'a mut [u8],
    /// Whether a bad input ends the batch.
    pub strict: bool,
}

/// What is left of one option's inputs.
#[derive(Clone, Copy)]
struct Target {
    beta: f64,
    x: f64,
    /// The upper bound of beta: e^(-x/2).
    bound: f64,
    sqrt_time: f64,
    status: f64,
}

const HARMLESS: Target = Target { beta: 0.08, x: 0.0, bound: 1.0, sqrt_time: 1.0, status: 0.0 };

/// Reduce one option to its target; `status` tells what makes it unsolvable.
#[inline(always)]
fn target<const FMA: bool>(
    price: f64,
    spot: f64,
    strike: f64,
    time: f64,
    rate: f64,
    carry: f64,
    sign: f64,
) -> Target {
    let undiscounted = price * exp::<FMA>(rate * time);
    let (growth, growth_less_one) = exp_and_expm1::<FMA>(carry * time);
    let forward = spot * growth;
    let signed_x = fma::<FMA>(carry, time, ln_ratio::<FMA>(spot, strike));
    let parity = fma::<FMA>(spot, growth_less_one, spot - strike).abs();
    let inside = sign * signed_x > 0.0;
    let time_value = undiscounted - if inside { parity } else { 0.0 };
    // What the rounding of an in-the-money price may hide.
    let rounding =
        (undiscounted.abs() + (spot - strike).abs() + (spot * growth_less_one).abs()) * (4.0 * f64::EPSILON);
    let rounding = if inside { rounding } else { 0.0 };
    let root = (forward * strike).sqrt();
    let beta = time_value / root;
    let bound = smaller(forward, strike) / root;

    let set =
        |condition: bool, to: Status, otherwise: f64| if condition { f64::from(to as u8) } else { otherwise };
    let high = (beta >= bound * (1.0 - 2.0 * f64::EPSILON)) | (time == 0.0);
    let status = set(high, Status::AboveBound, 0.0);
    let status = set((time_value <= rounding) | (beta.abs() < LEAST_BETA), Status::NoTimeValue, status);
    let status = set(time_value < -rounding, Status::BelowIntrinsic, status);
    Target { beta, x: signed_x.abs(), bound, sqrt_time: time.sqrt(), status }
}

/// A first s, from the volatility of the normal model: with m = |F-K| / sqrt(F K) and eta = beta / m, the normal
/// deviation is m / a(eta), where a is fitted; the lognormal one follows by P. Hagan et al., "Managing smile
/// risk" (2002), formula A.64 without its smile terms.
#[inline(always)]
fn seed<const FMA: bool>(target: &Target) -> f64 {
    let Target { beta, x, bound, .. } = *target;
    // 2 sinh(x/2), kept off zero so that at the money is no special case.
    let moneyness = larger(1.0 / bound - bound, 1e-7 * beta);
    let w = ln_ratio::<FMA>(beta + moneyness, beta);
    let sum = w + SEED_BEND;
    let u = w / sum;
    let shape = polynomial::<FMA, _>(&SEED, u);
    let normal = moneyness * (shape * sum).sqrt() / w;
    let x2 = x * x;
    let flat = normal / fma::<FMA>(x2, fma::<FMA>(x2, 1.0 / 1920.0, 1.0 / 24.0), 1.0);
    let q = smaller(flat * flat, 2.0);
    let rough = q * fma::<FMA>(q, 1.0 / 12.0, 1.0);
    flat * fma::<FMA>(rough, fma::<FMA>(rough, 1.0 / 5760.0, 1.0 / 24.0), 1.0)
}

/// One Householder step from s: (the next s, the step relative to s, ln(beta) less its value at s).
#[inline(always)]
fn step<const FMA: bool>(target: &Target, s: f64) -> (f64, f64, f64) {
    let Target { beta, x, bound, .. } = *target;
    let inverse = 1.0 / s;
    let (h, half) = (x * inverse, 0.5 * s);
    let (near, far) = (h - half, h + half);
    let wide = near < LOWEST;
    let distance = 2.0 * if wide { h } else { half };
    let tails = tails::<FMA>(if wide { -near } else { near }, far, distance);
    let h2 = h * h;
    let exponent = 0.5 * fma::<FMA>(half, half, h2);
    // The price at s over its derivative. Both branches are worked out before one is selected: the compiler would
    // otherwise repeat all that follows in each.
    let over_density = bound * SQRT_2PI * exp::<FMA>(smaller(exponent, 600.0));
    let wide_over_slope = over_density - (tails.near + tails.far);
    let over_slope = if wide { wide_over_slope } else { tails.difference };
    let residual = ln_ratio::<FMA>(beta * SQRT_2PI, larger(over_slope, 1e-290)) + exponent;
    // The Newton step of f = ln(beta(s)), then newton f''/f' and newton^2 f'''/f': the slope cancels in both.
    let newton = residual * over_slope;
    let curved = over_slope * fma::<FMA>(h2, inverse, -0.25 * s);
    let third_price = over_slope * over_slope * fma::<FMA>(-3.0 * h2 * inverse, inverse, -0.25);
    let second = residual * (curved - 1.0);
    let third = residual * residual * (fma::<FMA>(curved, curved - 3.0, third_price) + 2.0);
    let upper = fma::<FMA>(0.5, second, 1.0);
    let lower = fma::<FMA>(third, 1.0 / 6.0, second) + 1.0;
    let change = newton * upper / lower;
    let next = s + change;
    let next = if next > 0.2 * s { next } else { 0.2 * s };
    let next = if next < 4.0 * s { next } else { 4.0 * s };
    // The step as it was meant: at the widest s it stays large, so that no lane settles there.
    (smaller(next, WIDEST), (next - s) * inverse, residual)
}

#[inline(always)]
fn is_settled(change: f64, residual: f64) -> bool {
    (change.abs() <= SETTLED_STEP) & (residual.abs() <= SETTLED_RESIDUAL)
}

/// s of one option by the crate, polished and checked; none where it does not reproduce the price.
#[cold]
fn solve_alone(target: &Target) -> Option<f64> {
    let found = ImpliedBlackVolatility::builder()
        .option_price(target.beta)
        .forward(target.bound)
        .strike(1.0 / target.bound)
        .expiry(1.0)
        .is_call(true)
        .build()?
        .calculate::<DefaultSpecialFn>()
        .filter(|s| s.is_finite() && *s > 0.0)?;
    let (polished, change, residual) = step::<false>(target, found);
    if is_settled(change, residual) { Some(polished) } else { None }
}

impl Kernel for Inversion<'_> {
    type Output = Result<(), Fault>;

    #[inline(always)]
    fn run<const FMA: bool>(self) -> Self::Output {
        let count = self.vol.len();
        let mut input = [[1.0; BLOCK]; COLUMNS];
        let mut sign = [1.0; BLOCK];
        let mut targets = Lanes::new();
        let mut done = 0;
        while done < count {
            let size = (count - done).min(BLOCK);
            for (column, block) in self.columns.iter().zip(&mut input) {
                column.read(self.start + done, &mut block[..size]);
            }
            self.calls.read_signs(self.start + done, &mut sign[..size]);
            self.status[done..done + size].fill(Status::Ok as u8);
            let whole = DOMAINS.hold(&input);
            let mut bad = [Status::Ok as u8; BLOCK];
            if !whole {
                bad = self.neutralise(&mut input, done, size)?;
            }
            targets.reduce::<FMA>(&input, &sign);
            targets.start::<FMA>(self.guess.as_ref(), self.start + done, size);
            targets.iterate::<FMA>();
            let (vol, status) = (&mut self.vol[done..done + size], &mut self.status[done..done + size]);
            targets.conclude(vol, status);
            if !whole {
                for (i, bad) in bad[..size].iter().enumerate().filter(|(_, bad)| **bad != Status::Ok as u8) {
                    (vol[i], status[i]) = (f64::NAN, *bad);
                }
            }
            done += size;
        }
        Ok(())
    }
}

impl Inversion<'_> {
    /// Put harmless inputs in place of bad ones and tell their status; an error when the batch is strict.
    #[cold]
    fn neutralise(
        &self,
        input: &mut [[f64; BLOCK]; COLUMNS],
        done: usize,
        size: usize,
    ) -> Result<[u8; BLOCK], Fault> {
        let mut status = [Status::Ok as u8; BLOCK];
        for (lane, status) in status.iter_mut().enumerate() {
            if let Some(fault) = DOMAINS.fault(input, lane, self.start + done + lane) {
                if self.strict && lane < size {
                    return Err(fault);
                }
                *status = fault.status() as u8;
                input.iter_mut().for_each(|block| block[lane] = 1.0);
            }
        }
        Ok(status)
    }
}

/// The targets of a block and how far they are solved, by columns.
struct Lanes {
    beta: [f64; BLOCK],
    x: [f64; BLOCK],
    bound: [f64; BLOCK],
    sqrt_time: [f64; BLOCK],
    status: [f64; BLOCK],
    s: [f64; BLOCK],
    change: [f64; BLOCK],
    residual: [f64; BLOCK],
}

impl Lanes {
    fn new() -> Self {
        let zeros = [0.0; BLOCK];
        Lanes {
            beta: zeros,
            x: zeros,
            bound: zeros,
            sqrt_time: zeros,
            status: zeros,
            s: zeros,
            change: zeros,
            residual: zeros,
        }
    }

    #[inline(always)]
    fn at(&self, i: usize) -> Target {
        Target {
            beta: self.beta[i],
            x: self.x[i],
            bound: self.bound[i],
            sqrt_time: self.sqrt_time[i],
            status: self.status[i],
        }
    }

    #[inline(always)]
    fn reduce<const FMA: bool>(&mut self, input: &[[f64; BLOCK]; COLUMNS], sign: &[f64; BLOCK]) {
        for i in 0..BLOCK {
            let [price, spot, strike, time, rate, carry] = [0, 1, 2, 3, 4, 5].map(|c: usize| input[c][i]);
            let target = target::<FMA>(price, spot, strike, time, rate, carry, sign[i]);
            // Unsolvable lanes go along with a harmless target.
            let solvable = target.status == 0.0;
            self.status[i] = target.status;
            self.beta[i] = if solvable { target.beta } else { HARMLESS.beta };
            self.x[i] = if solvable { target.x } else { HARMLESS.x };
            self.bound[i] = if solvable { target.bound } else { HARMLESS.bound };
            self.sqrt_time[i] = if solvable { target.sqrt_time } else { HARMLESS.sqrt_time };
        }
    }

    #[inline(always)]
    fn start<const FMA: bool>(&mut self, guess: Option<&Column>, from: usize, size: usize) {
        let mut missing = 1_u64;
        if let Some(column) = guess {
            missing = 0;
            column.read(from, &mut self.s[..size]);
            for (s, sqrt_time) in self.s.iter_mut().zip(&self.sqrt_time) {
                *s *= sqrt_time;
                let usable = (*s > 1e-9) & (*s < WIDEST);
                *s = if usable { *s } else { f64::NAN };
                missing |= u64::from(!usable);
            }
        } else {
            self.s.fill(f64::NAN);
        }
        if missing != 0 {
            for i in 0..BLOCK {
                let cold = seed::<FMA>(&self.at(i));
                self.s[i] = if self.s[i].is_nan() { cold } else { self.s[i] };
            }
        }
    }

    #[inline(always)]
    fn iterate<const FMA: bool>(&mut self) {
        for _ in 0..MOST_STEPS {
            let mut moving = 0_u64;
            for i in 0..BLOCK {
                (self.s[i], self.change[i], self.residual[i]) = step::<FMA>(&self.at(i), self.s[i]);
                moving |= u64::from(!is_settled(self.change[i], self.residual[i]));
            }
            if moving == 0 {
                break;
            }
        }
    }

    #[inline(always)]
    fn conclude(&self, vol: &mut [f64], status: &mut [u8]) {
        let mut open = 0_u64;
        for i in 0..BLOCK {
            open |= u64::from((self.status[i] != 0.0) | !is_settled(self.change[i], self.residual[i]));
        }
        for (vol, (s, sqrt_time)) in vol.iter_mut().zip(self.s.iter().zip(&self.sqrt_time)) {
            *vol = s / sqrt_time;
        }
        if open != 0 {
            self.conclude_open(vol, status);
        }
    }

    /// Lanes that have no volatility, or that have to be solved alone.
    fn conclude_open(&self, vol: &mut [f64], status: &mut [u8]) {
        for (i, (vol, status)) in vol.iter_mut().zip(status).enumerate() {
            if self.status[i] != 0.0 {
                (*vol, *status) = (f64::NAN, self.status[i] as u8);
            } else if !is_settled(self.change[i], self.residual[i]) {
                match solve_alone(&self.at(i)) {
                    Some(s) => *vol = s / self.sqrt_time[i],
                    None => (*vol, *status) = (f64::NAN, Status::Unresolved as u8),
                }
            }
        }
    }
}

/// The `implied-vol` crate on every option by itself; NaN where it has no answer.
pub fn reference(columns: [Column<'_>; 4], calls: Flags<'_>, vol: &mut [f64]) {
    for (i, vol) in vol.iter_mut().enumerate() {
        let [price, forward, strike, time] = columns.map(|column| column.at(i));
        *vol = ImpliedBlackVolatility::builder()
            .option_price(price)
            .forward(forward)
            .strike(strike)
            .expiry(time)
            .is_call(calls.at(i))
            .build()
            .and_then(|option| option.calculate::<DefaultSpecialFn>())
            .unwrap_or(f64::NAN);
    }
}
