//! Exact numbers against the fractions of big integers that they stand for.

use ledger_core::vocab::Amount;
use ledger_core::vocab::Exact;
use ledger_core::vocab::Rounding;
use ledger_core::vocab::exact;
use ledger_core::vocab::exact::Sum;
use num_bigint::BigInt;
use num_rational::BigRational;
use num_traits::One as _;
use num_traits::Signed as _;
use num_traits::ToPrimitive as _;
use num_traits::Zero as _;
use proptest::prelude::Strategy;
use proptest::prelude::any;
use proptest::prop_oneof;

use crate::runs::holds;

/// Numbers of all sizes, and those at the edges of 128 bits.
fn numbers() -> impl Strategy<Value = BigInt> {
    let edges = [i128::MAX, i128::MIN, i128::MAX - 1, i128::MIN + 1, 1, -1, 0, 1 << 64];
    prop_oneof![
        (any::<i128>(), 0..127u32).prop_map(|(number, bits)| BigInt::from(number >> bits)),
        any::<i64>().prop_map(|number| BigInt::from(number % 1_000)),
        (0..edges.len()).prop_map(move |at| BigInt::from(edges[at])),
        (any::<i128>(), 0..64u32).prop_map(|(number, bits)| BigInt::from(number) << bits),
        (any::<i64>(), 0..30u32).prop_map(|(number, zeros)| number * BigInt::from(10).pow(zeros)),
    ]
}

fn fractions() -> impl Strategy<Value = BigRational> {
    (numbers(), numbers().prop_filter("not zero", |below| !below.is_zero()))
        .prop_map(|(above, below)| BigRational::new(above, below))
}

fn exact(number: &BigRational) -> Exact {
    Exact::new(number.numer().clone(), number.denom().clone())
}

fn check(own: Exact, wide: &BigRational) {
    assert_eq!((own.numer(), own.denom()), (wide.numer().clone(), wide.denom().clone()));
    // One value is one number, however it came about.
    assert_eq!(own, exact(wide));
    assert_eq!(BigRational::from(own), *wide);
}

#[test]
fn operations_are_those_of_fractions() {
    holds(20_000, (fractions(), fractions()), |(one, two)| {
        let (a, b) = (exact(&one), exact(&two));
        check(a.clone(), &one);
        check(&a + &b, &(&one + &two));
        check(&a - &b, &(&one - &two));
        check(&a * &b, &(&one * &two));
        if !two.is_zero() {
            check(&a / &b, &(&one / &two));
        }
        check(-&a, &-&one);
        check(a.abs(), &one.abs());
        let mut sum = a.clone();
        sum += &b;
        sum -= &a;
        check(sum, &two);
        assert_eq!(a.cmp(&b), one.cmp(&two));
        assert_eq!(a == b, one == two);
        assert_eq!(a.floor(), one.floor().to_integer());
        assert_eq!(a.ceil(), one.ceil().to_integer());
        let signs = (a.is_zero(), a.is_negative(), a.is_positive());
        assert_eq!(signs, (one.is_zero(), one.is_negative(), one.is_positive()));
        assert_eq!(exact::fraction_text(&a), format!("{}/{}", one.numer(), one.denom()));
    });
}

/// Back from a number that does not fit to one that does: the same number as if it had always fitted.
#[test]
fn sums_come_back_from_beyond() {
    let most = Exact::from(i128::MAX);
    let beyond = &most + &Exact::one();
    assert_eq!(beyond.numer(), BigInt::from(i128::MAX) + 1);
    assert_eq!(&beyond - &Exact::one(), most);
    assert_eq!(&beyond - &beyond, Exact::zero());
    assert_eq!(&beyond / &beyond, Exact::one());
    let least = Exact::from(i128::MIN);
    assert_eq!(least.numer(), BigInt::from(i128::MIN));
    assert_eq!(least.abs().numer(), BigInt::from(i128::MIN).abs());
    assert_eq!(-&-&least, least);
    assert!(least < -&most && -&least > most && least.is_negative());
}

/// Sums and amounts, as fractions.
#[test]
fn decimals_are_reduced() {
    holds(4_000, (any::<i128>(), 0..127u32), |(number, bits)| {
        let number = number >> bits;
        let wide = BigRational::new(number.into(), BigInt::from(10).pow(12));
        check(Sum(number).exact(), &wide);
    });
    holds(2_000, (-(10i128.pow(26))..10i128.pow(26), 0..=12u32), |(mantissa, scale)| {
        let Some(amount) = Amount::normalised(mantissa, scale) else { return };
        check(
            exact::of_amount(&amount),
            &BigRational::new(mantissa.into(), BigInt::from(10).pow(scale)),
        );
    });
}

/// Rounding against its definition: no other number of so many digits is nearer; a half goes where
/// the mode says.
#[test]
fn rounding_is_to_the_nearest() {
    let modes = [Rounding::HalfEven, Rounding::HalfUp, Rounding::Down];
    let halves = (any::<i64>(), 0..4u32).prop_map(|(number, digits)| {
        BigRational::new(number.into(), BigInt::from(10).pow(digits) * 2)
    });
    holds(4_000, (prop_oneof![fractions(), halves], 0..4u32), |(value, digits)| {
        let unit = BigRational::from_integer(BigInt::from(10).pow(digits));
        let scaled = (&value * &unit).abs();
        let half = BigRational::new(1.into(), 2.into());
        for mode in modes {
            let Some(rounded) = mode.round(&exact(&value), digits) else {
                assert!(scaled >= BigRational::from_integer(BigInt::from(10).pow(14)));
                continue;
            };
            let rounded = BigRational::from(exact::of_amount(&rounded));
            let units = (&rounded * &unit).abs();
            assert!(units.is_integer());
            assert!(rounded.is_zero() || rounded.is_negative() == value.is_negative());
            let off = &scaled - &units;
            match mode {
                Rounding::Down => assert!(!off.is_negative() && off < BigRational::one()),
                _ => assert!(off.abs() <= half),
            }
            if off.abs() == half && mode != Rounding::Down {
                let even = units.to_integer().to_i128().expect("an amount") % 2 == 0;
                assert!(if mode == Rounding::HalfEven { even } else { off.is_negative() });
            }
        }
    });
}
