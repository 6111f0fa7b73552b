//! Why a token is refused, and whom that concerns.

/// For whom an error is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// Whoever sent the token: answered with 401 and the sentence.
    Caller,
    /// Whoever runs this service: logged; the caller gets no details.
    Operator,
}

/// Why a token is refused. Never holds a part of the token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    #[error("the token is longer than 8 KiB")]
    TooLong,
    #[error("this is no token: three parts in base64url with a dot between them, each once, are wanted")]
    Malformed,
    #[error("the token's header asks for something that is not supported (`{0}`)")]
    Header(&'static str),
    #[error("the token's algorithm is not accepted; HS256 is for our own tokens, RS256 and ES256 are for those of the identity provider")]
    Algorithm,
    /// The keys may have changed since they were fetched: [`super::KeySet::refresh`], then once more.
    #[error("the token's key is not known")]
    UnknownKey,
    #[error("the token's signature is not right")]
    Signature,
    #[error("the token has expired; get a new one")]
    Expired,
    #[error("the token is not valid yet; is a clock wrong?")]
    NotYetValid,
    #[error("the token was issued in the future; is a clock wrong?")]
    IssuedInFuture,
    #[error("the token is valid for more than 24 hours")]
    LivesTooLong,
    #[error("the token's issuer (`iss`) is not accepted here")]
    Issuer,
    #[error("the token is for somebody else (`aud`)")]
    Audience,
    #[error("the token lacks `{0}`, or it is not of the kind that is wanted")]
    Claim(&'static str),
    #[error("the token answers another sign-in (`nonce`)")]
    Nonce,
    #[error("the secret for tokens is shorter than 32 bytes; make one with `openssl rand -hex 32`")]
    WeakSecret,
    #[error("a token may be valid for a second at least and 24 hours at most")]
    Lifetime,
    #[error("the name or a role for the token is empty, too long, or holds control characters")]
    Subject,
    #[error("the settings for tokens are incomplete: `{0}` is empty")]
    Incomplete(&'static str),
    #[error("another part of the program has put its own cryptography under the tokens")]
    Provider,
}

impl TokenError {
    pub fn whom(self) -> Whom {
        match self {
            Self::WeakSecret | Self::Lifetime | Self::Subject | Self::Incomplete(_) | Self::Provider => Whom::Operator,
            _ => Whom::Caller,
        }
    }

    /// Whether it is worth trying again with fresh keys.
    pub fn asks_for_refresh(self) -> bool {
        self == Self::UnknownKey
    }
}
