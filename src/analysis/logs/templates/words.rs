//! What a word tells by itself: does it announce a name, is it a name, is it one of a few settings?

/// `user`, `host`, `queue`: what follows is a name.
pub fn announces_name(word: &[u8]) -> bool {
    const NOUNS: &[&[u8]] = &[
        b"user",
        b"users",
        b"host",
        b"hostname",
        b"node",
        b"name",
        b"named",
        b"key",
        b"queue",
        b"topic",
        b"service",
        b"pod",
        b"container",
        b"file",
        b"volume",
        b"device",
        b"dev",
        b"interface",
        b"domain",
        b"customer",
        b"account",
        b"tenant",
        b"job",
        b"table",
        b"database",
        b"bucket",
        b"breaker",
        b"comm",
        b"process",
        b"cache",
        b"zone",
        b"vhost",
        b"exchange",
        b"schema",
        b"collection",
        b"shard",
        b"namespace",
        b"cluster",
        b"project",
        b"repository",
    ];
    is_one_of(word, NOUNS)
}

/// Keys whose values are a handful of kinds, each another statement.
pub fn is_kind(key: &[u8]) -> bool {
    const KINDS: &[&[u8]] = &[
        b"status",
        b"state",
        b"result",
        b"action",
        b"type",
        b"op",
        b"operation",
        b"method",
        b"level",
        b"severity",
        b"event",
        b"outcome",
        b"reason",
        b"err",
        b"error",
        b"msg",
    ];
    is_one_of(key, KINDS)
}

/// Where names stand as often as verbs.
pub fn is_preposition(word: &[u8]) -> bool {
    is_one_of(word, &[b"for", b"from", b"by", b"at", b"on", b"in", b"of", b"via", b"to", b"under", b"with"])
}

/// A switch's positions.
pub fn is_switch(word: &[u8]) -> bool {
    is_one_of(word, &[b"true", b"false", b"on", b"off", b"yes", b"no", b"null", b"none", b"nil"])
}

/// What a request does: of a message that is about something else no more than a value.
pub fn is_method(word: &[u8]) -> bool {
    is_one_of(word, &[b"GET", b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS"])
}

/// Accounts that come with a system: that a program acts for one of them is part of what it says.
pub fn is_system_account(word: &[u8]) -> bool {
    const ACCOUNTS: &[&[u8]] = &[
        b"root",
        b"bin",
        b"daemon",
        b"adm",
        b"lp",
        b"sync",
        b"mail",
        b"news",
        b"uucp",
        b"operator",
        b"games",
        b"ftp",
        b"nobody",
        b"guest",
        b"test",
        b"admin",
        b"administrator",
        b"system",
        b"cyrus",
        b"postfix",
        b"apache",
        b"nginx",
        b"www-data",
        b"mysql",
        b"postgres",
        b"redis",
        b"mongodb",
        b"rpc",
        b"ntp",
        b"sshd",
        b"dbus",
        b"man",
        b"proxy",
        b"backup",
        b"list",
    ];
    is_one_of(word, ACCOUNTS)
}

/// `IPv6`, `x86_64`: words although a digit is in them.
pub fn is_word_with_digit(part: &[u8]) -> bool {
    const WORDS: &[&[u8]] = &[
        b"ipv4", b"ipv6", b"socks4", b"socks5", b"http2", b"http3", b"sha1", b"sha256", b"utf8", b"utf-8", b"base64", b"x86", b"x86_64",
        b"amd64", b"arm64", b"i386", b"i686", b"ext3", b"ext4", b"oauth2", b"k8s",
    ];
    part.len() <= 6 && is_one_of(part, WORDS)
}

/// `db1.example`, `org.apache.Worker`, `com.example/.Main`: a name of something, mostly; `intent.action.SCREEN_ON` is a constant.
pub fn is_qualified(word: &[u8]) -> bool {
    word.windows(3).any(|w| matches!(w, [a, b'.', b] if a.is_ascii_alphanumeric() && (b.is_ascii_alphanumeric() || *b == b'/')))
        && !is_state(word)
}

/// `RUNNING`, `intent.action.SCREEN_ON`: a constant of a program.
pub fn is_state(word: &[u8]) -> bool {
    let last = word.rsplit(|b| *b == b'.').next().unwrap_or(word);
    last.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')
}

fn is_one_of(word: &[u8], list: &[&[u8]]) -> bool {
    list.iter().any(|known| known.eq_ignore_ascii_case(word))
}
