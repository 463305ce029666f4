//! Price and Greeks of one European option: the generalised Black-Scholes formula with cost of carry b
//! (E. G. Haug, The Complete Guide to Option Pricing Formulas, 2nd ed., ch. 1 and 2).
//!
//! The out-of-the-money side is computed, the other follows from put-call parity. With a = |ln(F/K)| / s,
//! s = vol sqrt(T), z = a -+ s/2 and G = S e^((b-r)T) phi(d1), the out-of-the-money price is G (M(z-) - M(z+)).

use crate::elementary::{exp, exp_and_expm1, fma, larger, ln_ratio, smaller};
use crate::normal::{LOWEST, PHI_0, tails};

/// Bounds a and s/2, so that no product of them overflows; phi is 0 long before.
const FAR: f64 = 1e8;
/// A total deviation below this is none: the option has only its intrinsic value.
const TINY: f64 = 1e-150;

/// price, delta, gamma, vega, theta, rho, vanna, charm, vomma
pub type Values = [f64; 9];
pub const FIRST_ORDER: usize = 6;
pub const SECOND_ORDER: usize = 9;

/// The values of one option, all arguments within their domains. `sign` is 1 for a call, -1 for a put.
///
/// With `FUTURES` the underlying is a forward: `carry` is taken as 0 and rho holds the forward fixed. Without
/// `SECOND` the last three values are 0.
#[inline(always)]
pub fn option<const FMA: bool, const FUTURES: bool, const SECOND: bool>(
    spot: f64,
    strike: f64,
    time: f64,
    rate: f64,
    carry: f64,
    vol: f64,
    sign: f64,
) -> Values {
    let carry = if FUTURES { 0.0 } else { carry };
    let sqrt_time = time.sqrt();
    let deviation = vol * sqrt_time;
    let regular = deviation > TINY;
    let inverse = 1.0 / larger(deviation, TINY);

    let discount = exp::<FMA>(-rate * time);
    let (growth, growth_less_one) = if FUTURES { (1.0, 0.0) } else { exp_and_expm1::<FMA>(carry * time) };
    let spot_factor = discount * growth;
    let spot_now = spot * spot_factor;
    let strike_now = strike * discount;
    let log_moneyness = fma::<FMA>(carry, time, ln_ratio::<FMA>(spot, strike));
    // S e^((b-r)T) - K e^(-rT), without cancellation next to the money.
    let parity = discount * fma::<FMA>(spot, growth_less_one, spot - strike);

    let half = smaller(0.5 * deviation, FAR);
    let moneyness = smaller(log_moneyness.abs() * inverse, FAR);
    let near = moneyness - half;
    let far = moneyness + half;
    // So wide that the fit of M ends: use M(-z) = 1 / phi(z) - M(z); nothing cancels there.
    let wide = near < LOWEST;
    let distance = 2.0 * if wide { moneyness } else { half };
    let tails = tails::<FMA>(if wide { -near } else { near }, far, distance);

    let call_is_out = log_moneyness < 0.0;
    let out = (sign > 0.0) == call_is_out;
    let z = if call_is_out { near } else { far };
    let phi = PHI_0 * exp::<FMA>(-0.5 * z * z);
    let weight = spot_now * phi;

    // N(+-d1) and K e^(-rT) N(+-d2) of the out-of-the-money side.
    let tail_1 = phi * if call_is_out { tails.near } else { tails.far };
    let tail_1 = if wide & call_is_out { 1.0 - tail_1 } else { tail_1 };
    let tail_2 = weight * if call_is_out { tails.far } else { tails.near };
    let tail_2 = if wide & !call_is_out { strike_now - tail_2 } else { tail_2 };
    let out_price = if wide {
        let cheaper = if call_is_out { spot_now } else { strike_now };
        cheaper - weight * (tails.near + tails.far)
    } else {
        weight * tails.difference
    };

    let price = larger(out_price + if out { 0.0 } else { sign * parity }, 0.0);
    let n1 = if out { tail_1 } else { 1.0 - tail_1 };
    let strike_n2 = if out { tail_2 } else { strike_now - tail_2 };
    let when_regular = |value: f64| if regular { value } else { 0.0 };

    let delta = sign * spot_factor * n1;
    let gamma = when_regular(spot_factor * phi * inverse / spot);
    let vega = weight * sqrt_time;
    let decay = when_regular(0.5 * weight * vol * vol * inverse);
    let drift = fma::<FMA>((carry - rate) * spot_now, n1, rate * strike_n2);
    let theta = -fma::<FMA>(sign, drift, decay);
    let rho = if FUTURES { -time * price } else { sign * time * strike_n2 };

    let (mut vanna, mut charm, mut vomma) = (0.0, 0.0, 0.0);
    if SECOND {
        let d1 = if call_is_out { -near } else { far };
        let d2 = if call_is_out { -far } else { near };
        let per_vol = sqrt_time * inverse;
        vanna = when_regular(-spot_factor * phi * d2 * per_vol);
        vomma = when_regular(vega * d1 * d2 * per_vol);
        let diffusion = when_regular(phi * (carry * inverse - 0.5 * d2 / time));
        charm = -spot_factor * fma::<FMA>(sign * (carry - rate), n1, diffusion);
    }
    [price, delta, gamma, vega, theta, rho, vanna, charm, vomma]
}
