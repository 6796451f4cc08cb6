//! How the ledger says no: a stable code, what, where, and what to do next.
//!
//! The list of codes below is the only one. `docs/reference/errors.md` is generated from it, and a
//! test holds that every code has a case that produces it.

use std::fmt;

/// What a refusal means for the exit code of a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    /// The command line is wrong, or names no ledger (exit 2).
    Usage,
    /// Refused by the ledger's rules, or the input is bad; nothing was recorded (exit 3).
    Refused,
    /// The ledger's files are damaged, rolled back, of a newer format, or unreadable (exit 4).
    Damaged,
    /// The outside failed: disk, permission, lock (exit 5).
    Outside,
    /// A fault of the program itself; nothing was recorded, nothing was changed (exit 6).
    Internal,
    /// Legal and surprising; stops nothing.
    Warning,
}

macro_rules! codes {
    ($($variant:ident $text:literal $class:ident $rule:literal;)*) => {
        /// A stable error code. Texts may be improved; codes never change their meaning.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
        pub enum Code { $(#[doc = $rule] $variant,)* }

        impl Code {
            /// Every code, in the order of the documentation.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)*];

            /// The code as scripts see it.
            pub fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)* }
            }

            /// What the code means for the exit code.
            pub fn class(self) -> Class {
                match self { $(Code::$variant => Class::$class,)* }
            }

            /// The rule that was broken, in one sentence.
            pub fn rule(self) -> &'static str {
                match self { $(Code::$variant => $rule,)* }
            }
        }
    };
}

codes! {
    // Words and numbers, wherever they stand.
    Id "id" Refused "An id is 1 to 64 characters from a-z, 0-9 and `-`.";
    Name "name" Refused "A name of a meter, deduction or attribute is 1 to 64 characters from a-z, 0-9, `_` and `-`.";
    Text "text" Refused "Texts are bounded, in Unicode normal form C, and hold no control, bidirectional or invisible characters.";
    Decimal "decimal" Refused "Numbers are plain decimals: no exponent, no thousands separator, at most 15 digits before the point and 12 after it.";
    RateBounds "rate-bounds" Refused "A rate lies between -1 and 1.";
    AmountBounds "amount-bounds" Refused "An amount has at most 15 integer digits.";
    MinorUnit "minor-unit" Refused "Money that moves has no more fraction digits than the currency's minor unit.";
    Currency "currency" Refused "A currency is a code of ISO 4217.";
    Date "date" Refused "A day is written YYYY-MM-DD, from 1970-01-01 to 2999-12-31.";
    Period "period" Refused "A period is written 2026-06 or 2026-Q2.";
    Time "time" Refused "A time is written as in RFC 3339.";
    Digest "digest" Refused "A hash is 64 hexadecimal digits.";
    Key "key" Refused "A public key is an OpenSSH Ed25519 key.";
    KeyWeak "key-weak" Refused "A public key is a point of the curve in its one encoding, not of small order.";

    // Terms files.
    TermsSyntax "terms-syntax" Refused "A terms file is TOML 1.0 in UTF-8.";
    TermsUnknownKey "terms-unknown-key" Refused "A terms file holds only the documented keys.";
    TermsMissing "terms-missing" Refused "Every required key of the terms is present.";
    TermsType "terms-type" Refused "Every key of the terms has a value of its documented type.";
    TermsDuplicate "terms-duplicate" Refused "Ids, names and keys in the terms are unique.";
    TermsRoles "terms-roles" Refused "An agreement has exactly one collector and at least one owner or beneficiary.";
    TermsReference "terms-reference" Refused "Clauses name declared parties, meters and attributes only, and pay only beneficiaries.";
    TermsSteps "terms-steps" Refused "The bounds of tier steps are positive and strictly rising; only the last step has none.";
    TermsShare "terms-share" Refused "Shares are not negative, and together at most 1 after points, floor and ceiling.";
    TermsLimits "terms-limits" Refused "Counts and values in the terms stay within the documented bounds.";
    TermsDates "terms-dates" Refused "An end lies after its start.";
    TermsCalculation "terms-calculation" Refused "The terms name a calculation version that this release knows.";
    WarnWholeCheaper "warn-whole-cheaper" Warning "Under a whole tier, crossing a bound can make more usage cost less.";
    WarnRuleUnreachable "warn-rule-unreachable" Warning "A rule that stands behind one that matches everything it matches never applies.";
    WarnNoCatchAll "warn-no-catch-all" Warning "Usage that no rule matches is refused; without a last rule for everything, a new product stops the report.";
    WarnCapAndMinimum "warn-cap-and-minimum" Warning "A party with both a cap and a minimum gets the minimum even above the cap.";
    WarnNegativeRate "warn-negative-rate" Warning "Points that take a rate below zero make a party owe money for usage.";
    WarnUnusedPrice "warn-unused-price" Warning "A price list counts only with `from = \"priced\"`.";
    WarnNothingOwed "warn-nothing-owed" Warning "A rule or step that names no share, per-unit or flat amount owes nothing.";

    // Usage files.
    FileRead "file-read" Outside "An input file can be read.";
    FileEncoding "file-encoding" Refused "Usage files are UTF-8.";
    CsvHeader "csv-header" Refused "The header names each column once, and only columns that the terms know.";
    CsvRow "csv-row" Refused "Every CSV row follows RFC 4180 and has as many fields as the header.";
    JsonRow "json-row" Refused "Every line is one flat JSON object with known names and strings as values.";
    RowMissing "row-missing" Refused "Every line has a day, and a gross amount unless the base is taken from the price list.";
    RowDay "row-day" Refused "A line's day lies inside the period and the agreement.";
    RowCurrency "row-currency" Refused "On a ledger of format level 1, every line is in the settlement currency.";
    RowAttribute "row-attribute" Refused "An attribute has one of the values that the terms allow.";
    RowRule "row-rule" Refused "Every line matches a rule of the terms; a line that matches none is refused, never zeroed.";
    RowPrice "row-price" Refused "Where a share is a share of the price list, every quantity of a priced meter has a price.";
    ReportTooLarge "report-too-large" Refused "A report stays within the documented number of lines and parts, and an event within the size of a record.";
    ReportEmpty "report-empty" Refused "A report without lines is said to be nil, never left empty by accident.";

    // Who may say what, when.
    NotOpened "not-opened" Refused "The first event opens the ledger, and only the first.";
    NotAccepted "not-accepted" Refused "Until every money party has accepted the ledger, nothing but acceptance is admissible.";
    AlreadyAccepted "already-accepted" Refused "A party accepts a thing once.";
    NotAParty "not-a-party" Refused "The author's key belongs to a party of the agreement.";
    NotEntitled "not-entitled" Refused "Only the party entitled to an event can author it.";
    Repeat "repeat" Refused "The same content twice is recognised as a repeat.";
    EventTwice "event-twice" Refused "An event id stands on a log once.";
    UnknownEvent "unknown-event" Refused "An event that is named exists, and is of the kind that is meant.";
    AmbiguousEvent "ambiguous-event" Usage "A prefix names one event.";
    DigestMismatch "digest-mismatch" Refused "An acceptance carries the digest of what it accepts.";
    TimeBackwards "time-backwards" Refused "Recorded time does not run backwards.";
    FromTheFuture "from-the-future" Refused "A record is at most 10 minutes ahead of the local clock when it is admitted.";
    HeadMoved "head-moved" Refused "With --if-head, the head is the one that was expected.";
    PeriodLength "period-length" Refused "A period has the length that the terms set.";
    PeriodOutside "period-outside" Refused "A period lies inside the agreement.";
    PeriodReported "period-reported" Refused "A second report for a period is a supplement or a correction.";
    PeriodNotReported "period-not-reported" Refused "A statement needs a report, a nil report included, for every period up to its own.";
    NotYetMissing "not-yet-missing" Refused "A report is missing only after its due day.";
    AlreadyMissing "already-missing" Refused "A missing report is recorded once.";
    CorrectionStale "correction-stale" Refused "A correction replaces the current end of a report's chain.";
    PartsBroken "parts-broken" Refused "The parts of a report stand together, complete and in order, before the event that closes them.";
    LinesNotAdmissible "lines-not-admissible" Refused "The lines of a report fit the terms: declared meters and deductions, known attributes.";
    StatementOrder "statement-order" Refused "Statements go in period order without gaps, each period once.";
    StatementContent "statement-content" Refused "A statement says what the terms and the log amount to, to the last unit.";
    StatementSize "statement-size" Refused "What is recorded leaves room for the next statement, which names every event that moved a stated period, in one record.";
    StatementTerms "statement-terms" Refused "A statement names the terms and the calculation version that it applied.";
    StateRootWrong "state-root" Refused "A statement or acknowledgement names the state root after the record before it.";
    HeadWrong "head-wrong" Refused "An acknowledgement names the head that it was made on.";
    AmountNotPositive "amount-not-positive" Refused "A payout is a positive amount.";
    AbovePayable "above-payable" Refused "A payout is at most what is payable; the excess is a credit only when the payout says so.";
    BelowMinimum "below-minimum" Refused "What is payable below the minimum payout is carried.";
    PayoutSettled "payout-settled" Refused "A payout is confirmed or returned once.";
    PayoutDate "payout-date" Refused "A payout is received no earlier than it was sent.";
    NothingToAccept "nothing-to-accept" Refused "What is accepted waits for an acceptance.";

    FormatLevel "format-level" Refused "What a ledger's format level does not know is admissible once every money party has accepted amended terms.";
    AmendmentFixed "amendment-fixed" Refused "An amendment cannot change the start, the currency, the period length, the collector, or the key or role of a party.";
    AmendmentDates "amendment-dates" Refused "An amendment takes effect inside the agreement, and before its own end.";
    AmendmentOffPeriod "amendment-off-period" Refused "Rounding changes only with the first day of a period.";
    AmendmentNoChange "amendment-no-change" Refused "An amendment changes something.";
    AmendmentIncomplete "amendment-incomplete" Refused "Amended terms rate every line that is on the log from the day they take effect.";
    ProposalClosed "proposal-closed" Refused "Only a pending proposal is accepted, rejected or withdrawn.";
    ProposalLapsed "proposal-lapsed" Refused "A proposal is decided within the days that the terms give it; then it has lapsed.";
    FxCurrency "fx-currency" Refused "A conversion rate is for a currency other than the settlement currency.";
    FxRate "fx-rate" Refused "A conversion rate is positive and at most 1,000,000.";
    FxMissing "fx-missing" Refused "A statement needs an accepted conversion rate for every foreign currency of its periods.";
    ContributionUnknown "contribution-unknown" Refused "A contribution is claimed under a clause of the terms, by the party that the clause names.";
    ContributionDates "contribution-dates" Refused "A contribution ends after it begins, and begins inside the agreement.";
    ContributionNotOpen "contribution-not-open" Refused "Only an accepted contribution is ended.";
    AdvanceNotPermitted "advance-not-permitted" Refused "Advances go to parties that the terms permit them to.";
    WithholdingWrong "withholding-wrong" Refused "A payout withholds the tax that the terms say, to the last unit.";

    DisputeTarget "dispute-target" Refused "A dispute is about a stated period (its statement, a report in effect, a clause in force) or about a payout.";
    DisputeClaim "dispute-claim" Refused "A claim says something else than what is recorded, and fits what is disputed.";
    DisputeNotAffected "dispute-not-affected" Refused "A party disputes what it gets, or pays; a figure is claimed by the party that it is for, or by the collector.";
    DisputeWindow "dispute-window" Refused "A dispute is opened inside the objection window, unless its ground is fraud or manifest error.";
    DisputeTwice "dispute-twice" Refused "A line is in one open dispute at a time.";
    DisputeFinal "dispute-final" Refused "What was resolved is final, unless fraud or manifest error reopens it as a new dispute that names the old one.";
    DisputeClosed "dispute-closed" Refused "Only a dispute that is not resolved or withdrawn goes on.";
    DisputeSide "dispute-side" Refused "The claimant claims and withdraws, respondents answer and accept, both settle, the arbiter determines.";
    DisputeLate "dispute-late" Refused "Where silence accepts a claim, it is answered within the days that the terms give.";
    DisputeEarly "dispute-early" Refused "Default, escalation and determination have to wait for the deadlines and steps before them.";
    DisputeNoArbiter "dispute-no-arbiter" Refused "A dispute goes to an arbiter that the terms name.";
    SettlementUnsigned "settlement-unsigned" Refused "A settlement is signed by every party of the dispute.";
    SettlementFile "settlement-file" Refused "A settlement file is in its one canonical form.";
    EvidenceUnknown "evidence-unknown" Refused "Evidence that is erased is on the log, and is erased once, by the party that named it.";
    EvidenceTwice "evidence-twice" Refused "A commitment to evidence is named once.";
    AuditClause "audit-clause" Refused "An audit looks back over stated periods, at most as far as the terms allow.";
    WhatIf "what-if" Refused "A what-if leaves out, or replaces, events that are on the ledger, and never the first.";

    // Bytes and files.
    PayloadMalformed "payload-malformed" Damaged "A payload is the canonical encoding of its event: every byte accounted for, one value one encoding.";
    KindUnknown "kind-unknown" Damaged "Event kinds and versions are those that this release knows.";
    FormatNewer "format-newer" Damaged "The format level is one that this release knows.";
    FrameBroken "frame-broken" Damaged "A record's frame header, length and checksum fit.";
    RecordHash "record-hash" Damaged "A record's hash is the hash of its bytes.";
    RecordLink "record-link" Damaged "A record names the hash of the record before it, the next sequence number and its ledger.";
    SignatureWrong "signature" Damaged "A record is signed by its author's key.";
    SegmentBroken "segment-broken" Damaged "Segments are there, in order, with a sound header.";
    FolderEntry "folder-entry" Damaged "In a ledger's folder, only regular files and folders count; links are not followed, and a file with a second name is not written to.";
    Truncated "truncated" Damaged "A log ends with a whole record.";
    Rollback "rollback" Damaged "A log is not behind the head that this machine remembers.";
    EventRefused "event-refused" Damaged "Every event on a log is admissible in the state before it.";
    NotALedger "not-a-ledger" Usage "The folder, or a parent of it, is a ledger.";
    AlreadyALedger "already-a-ledger" Refused "A ledger is opened in a folder that is none.";
    LocalFolder "local-folder" Outside "State and cache folders are absolute paths to folders of one's own, outside every ledger; a writer has a state folder.";
    Locked "locked" Outside "One writer at a time.";
    DiskFull "disk-full" Outside "The disk has room for the record.";
    DiskWrite "disk-write" Outside "The ledger's folder can be written.";
    Reopen "reopen" Outside "Where the disk does not confirm a record, the ledger is opened again before anything more is recorded.";
    DiskRead "disk-read" Outside "The ledger's files can be read.";
    OtherLedger "other-ledger" Refused "Copies that exchange records are copies of the same ledger.";
    Diverged "diverged" Refused "History only moves forward: copies that diverged cannot be fast-forwarded.";
    Equivocation "equivocation" Refused "A key never signs two records on one previous record.";
    AckFile "acknowledgement-file" Refused "An acknowledgement file is in its one canonical form.";
    AckMismatch "acknowledgement-mismatch" Damaged "The log matches every acknowledgement given.";
    KeyMismatch "key-mismatch" Damaged "The ledger's keys are the keys that were given.";

    // The command line.
    CommandLine "command-line" Usage "A command line follows the help.";
    OutputFailed "output-failed" Outside "Output reaches where it was sent; what was recorded before it failed stands.";
    NoRandomness "no-randomness" Outside "The operating system gives random bytes.";
    KeyFile "key-file" Outside "A private key is an OpenSSH Ed25519 key file that can be read.";
    KeyExposed "key-exposed" Outside "A private key file is readable by its owner alone.";
    KeyLocked "key-locked" Outside "A protected key opens with its passphrase.";
    KeyMissing "key-missing" Usage "A writing command has a key.";
    FileExists "file-exists" Refused "A file that exists is not overwritten.";

    // The program itself.
    Internal "internal-error" Internal "Nothing that a log or a file says leads to this: it is a fault of this release.";
}

/// Where a problem is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// A place in a text file: path, line and column from 1, and the line itself if there is one.
    File {
        /// The file, as the user named it.
        path: String,
        /// Line, from 1.
        line: u64,
        /// Column in characters, from 1.
        column: u64,
        /// The line, to be shown.
        text: Option<String>,
    },
    /// A record on the log.
    Record {
        /// Its sequence number.
        seq: u64,
    },
    /// A place inside terms or a payload, such as `rule[2].steps[0]`.
    Field(String),
    /// A file or folder as a whole.
    Path(String),
    /// A place in a file of bytes.
    Bytes {
        /// The file.
        path: String,
        /// Offset in bytes.
        offset: u64,
    },
}

/// Something that is wrong: code, what, where, what next.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The stable code.
    pub code: Code,
    /// What is wrong, in one sentence without the place.
    pub message: String,
    /// Where.
    pub place: Option<Place>,
    /// What to do next.
    pub hint: Option<String>,
}

impl Problem {
    /// A problem without place or hint.
    pub fn new(code: Code, message: impl Into<String>) -> Problem {
        Problem { code, message: message.into(), place: None, hint: None }
    }

    /// With what to do next.
    pub fn hint(mut self, hint: impl Into<String>) -> Problem {
        self.hint = Some(hint.into());
        self
    }

    /// With its place.
    pub fn at(mut self, place: Place) -> Problem {
        self.place = Some(place);
        self
    }

    /// With the record it is about, unless it has a place already.
    pub fn at_record(mut self, seq: u64) -> Problem {
        self.place.get_or_insert(Place::Record { seq });
        self
    }

    /// With the field it is about, unless it has a place already.
    pub fn at_field(mut self, field: impl Into<String>) -> Problem {
        self.place.get_or_insert_with(|| Place::Field(field.into()));
        self
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::File { path, line, column, .. } => write!(f, "{path}:{line}:{column}"),
            Place::Record { seq } => write!(f, "record {seq}"),
            Place::Field(field) => f.write_str(field),
            Place::Path(path) => f.write_str(path),
            Place::Bytes { path, offset } => write!(f, "{path}, byte {offset}"),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(place) = &self.place {
            write!(f, "{place}: ")?;
        }
        write!(f, "{} [{}]", self.message, self.code.as_str())
    }
}

impl std::error::Error for Problem {}
