//! Names that do not resolve.

use super::super::{Category, Sign, Thing, sign};

pub const SIGNS: &[Sign] = &[
    sign(
        Category::DnsFailure,
        0.9,
        "DNS resolution fails: the name {thing} cannot be resolved",
        "name or service not known|temporary failure in name resolution|nodename nor servname|no such host|enotfound|\
         eai_again|eai_noname|nxdomain|unknownhostexception|could not resolve host|couldn't resolve host|\
         could not resolve hostname|failed to resolve|name resolution failure|name resolution failed|nameresolutionerror|\
         could not translate host name|dns lookup fail|dns resolution fail|dns error|server misbehaving|servfail|\
         no address associated with hostname|getaddrinfo failed|host not found|could not find address for",
    )
    .without("reverse mapping checking|failed to resolve reference|failed to resolve source metadata|failed to resolve module|failed to resolve import|\
              failed to resolve dependenc|resolve plugin")
    .about(Thing::Unresolved)
    .fix(
        "Resolve {thing} from inside the pod or host (`getent hosts {thing}`, `nslookup {thing}`); correct the name in the configuration, or create the Service or DNS record",
        "Check host names of dependencies when the configuration is deployed",
    ),
];
