//! How other troubles show; the last resort.

use super::super::{Category, Level, Sign, sign};

pub const SIGNS: &[Sign] = &[
    sign(
        Category::ProbeFailure,
        0.5,
        "A health probe fails",
        "liveness probe failed|readiness probe failed|startup probe failed|probe failed",
    )
    .symptom()
    .fix("Look at the program that is probed: its own log at that time", "Give probes a realistic timeout"),
    sign(Category::CrashLoop, 0.45, "A container restarts again and again", "back-off restarting failed container|crashloopbackoff")
        .symptom()
        .fix("Read the log of the container's previous run", "Alert on restarts"),
    sign(
        Category::JobFailed,
        0.3,
        "A process ended with an error code",
        "process completed with exit code|exited with code|exit code 1|exit status 1|got exit code|terminated with exit|\
         exiting with code|step script exited",
    )
    .without("exit code 0|with code 0|exit status 0")
    .symptom()
    .fix("Read the lines before it", ""),
    sign(Category::Unknown, 0.4, "The log reports a failure", "error:|exception|fatal|failed to|failure|could not|unable to|cannot ")
        .from(Level::Warn)
        .symptom()
        .fix("Read the lines before the first of these in the same log", "Let the program say what it needs and did not get"),
];
