//! Commands, files and settings that are missing or wrong.

use super::super::{Category, Sign, Thing, sign};

pub const SIGNS: &[Sign] = &[
    sign(
        Category::CommandNotFound,
        0.92,
        "The command {thing} does not exist or cannot be executed",
        "command not found|executable file not found|not recognized as an internal or external|exec format error|\
         exec user process caused|oci runtime|cannot execute: required file|bad interpreter",
    )
    .about(Thing::Command)
    .decisive()
    .fix(
        "Correct the command or entry point, or install {thing} in the image; for 'exec format error' build for the node's architecture",
        "Run the image's command in CI before it is deployed",
    ),
    sign(Category::CommandNotFound, 0.9, "The command {thing} does not exist", "sh: |bash: |ash: |spawn |line ")
        .with(": not found| enoent")
        .about(Thing::Command)
        .fix("Correct the spelling of {thing} in the script, or install it in the image", "Run the script in CI with the same image"),
    sign(
        Category::ConfigMissing,
        0.93,
        "The environment variable {thing} is missing",
        "environment variable|env var|environmentvariable|env variable",
    )
    .with(
        "undefined|not set|missing|required|is unset|not defined|must be set|not found|is empty|not provided|no value|\
           unset|absent|needs",
    )
    .about(Thing::Variable)
    .decisive()
    .fix(
        "Set {thing} in the workload's environment (ConfigMap or Secret reference), and roll it out",
        "Check required settings at start-up and in CI",
    ),
    sign(
        Category::ConfigMissing,
        0.82,
        "A required setting is missing: {thing}",
        "missing required|config validation error|configuration validation failed|required key|required setting|required config|required property|required parameter|\
         missing configuration|missing config|missing setting|missing key|is not configured|not configured|must be set|\
         must be provided|could not resolve placeholder|no default value|undefined variable|configuration error|\
         missing secret|secret not found|is required but|keyerror: '|is undefined|no value provided|missing credentials|\
         unable to locate credentials|could not load credentials",
    )
    .without("cannot read|undefined is not")
    .about(Thing::Variable)
    .fix("Provide {thing} (ConfigMap, Secret, argument or file) and restart", "Check required settings at start-up and in CI"),
    sign(
        Category::ConfigMissing,
        0.82,
        "A file that is needed is missing: {thing}",
        "no such file or directory|enoent|filenotfounderror|filenotfoundexception|nosuchfileexception|file not found|\
         could not find file|cannot find the file|cannot find the path|does not exist: /|config file not found|\
         unable to open file|cannot open file",
    )
    .without(", client: |, request: |shared object|shared librar")
    .about(Thing::Path)
    .fix("Create or mount {thing} where the program looks for it, or correct the path", "Check mounts and files in the start script"),
    sign(
        Category::Misconfiguration,
        0.76,
        "A setting has a value that the program cannot use {thing}",
        "invalid configuration|invalid config|failed to parse config|error parsing config|failed to load config|\
         could not load config|error loading config|unknown flag|unknown option|unrecognized option|\
         unrecognized argument|unknown field|unknown directive|unknown command|yaml: |yaml.scanner|yaml.parser|\
         yamlexception|toml|invalid value|illegal value|invalid argument|bad value|not a valid|invalid port|\
         configuration file|unsupported option|invalid setting|invalidconfiguration|config validation|\
         flag provided but not defined|unrecognized configuration|parse error in",
    )
    .with(
        "invalid|fail|error|unknown|unrecognized|illegal|bad|not a valid|unsupported|could not|cannot|not defined|\
           mapping values",
    )
    .about(Thing::Quoted)
    .fix("Correct the value that the line names and restart", "Validate configuration before it is rolled out"),
    sign(
        Category::Misconfiguration,
        0.88,
        "The port is already in use, so the program cannot listen {thing}",
        "address already in use|eaddrinuse|bind: address|port is already allocated|only one usage of each socket address",
    )
    .about(Thing::Target)
    .fix(
        "Find the other listener (`ss -ltnp`) or give one of them another port",
        "One process per port; let the supervisor wait for the old one",
    ),
];
