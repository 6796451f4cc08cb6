//! Examples of disputes, worked out by hand.
