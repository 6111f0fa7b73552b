//! A crash-looping container whose command needs a variable that nobody gives it.

use std::{collections::BTreeSet, sync::LazyLock};

use regex::Regex;

use super::{
    super::{
        Checked, Look,
        value::{list, text},
    },
    containers::Container,
    exits::command_line,
    target,
};
use crate::{
    analysis::{Finding, Role},
    model::Category,
};

/// Variables that a shell or the kubelet always sets.
const GIVEN: &[&str] = &[
    "PATH", "HOME", "HOSTNAME", "PWD", "OLDPWD", "IFS", "PS1", "SHLVL", "TERM", "USER", "SHELL", "RANDOM", "SECONDS", "UID", "LANG",
    "OPTARG", "OPTIND",
];

pub fn check(look: &Look<'_>, container: &Container<'_>, out: &mut Checked) {
    static NEEDED: LazyLock<Option<Regex>> =
        LazyLock::new(|| Regex::new(r"\$(?:\{([A-Z][A-Z0-9_]{2,})\}|([A-Z][A-Z0-9_]{2,})\b|\(([A-Z][A-Z0-9_]{2,})\))").ok());
    let (Some(spec), Some(needed)) = (container.spec, NEEDED.as_ref()) else { return };
    // What a whole ConfigMap or Secret brings cannot be seen here.
    if !list(spec, "/envFrom").is_empty() {
        return;
    }
    let command = command_line(spec);
    let given: BTreeSet<&str> = list(spec, "/env").iter().map(|entry| text(entry, "/name")).collect();
    let missing: BTreeSet<&str> = needed
        .captures_iter(&command)
        .filter_map(|found| (1..=3).find_map(|at| found.get(at)).map(|name| name.as_str()))
        .filter(|name| !GIVEN.contains(name) && !given.contains(name))
        .filter(|name| {
            !["", "export ", "for ", "read "].iter().any(|before| {
                command.contains(&format!("{before}{name}="))
                    || command.contains(&format!("for {name} in"))
                    || command.contains(&format!("read {name}"))
            })
        })
        .collect();
    let Some(first) = missing.first() else { return };
    let names = missing.iter().copied().collect::<Vec<_>>().join(", ");
    out.findings.push(
        Finding::new(
            Category::ConfigMissing,
            Role::Cause,
            container.pod.entity(),
            format!("{} needs the environment variable {names}, which is undefined: its spec does not set it", container.begins()),
        )
        .strength(0.8)
        .saw(
            look.field(container.pod, format!("the command of {} refers to {names}; its env does not define it", container.said()))
                .quoting(command.clone()),
        )
        .falsifier(format!("the image itself sets {names}"))
        .fix(format!("kubectl set env {} {first}=<value>", target(look, container.pod)))
        .prevent("render the manifests for every environment in CI and fail on a variable that is not set"),
    );
}
