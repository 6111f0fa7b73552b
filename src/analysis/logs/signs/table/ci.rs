//! Builds, tests and the jobs that run them.

use super::super::{Category, Sign, Thing, sign};

pub const SIGNS: &[Sign] = &[
    sign(
        Category::JobFailed,
        0.9,
        "The job was ended from outside: it timed out, or its runner went away",
        "the runner has received a shutdown signal|lost communication with the server|\
         exceeded the maximum execution time|job execution time exceeded|failed to come online|runner is offline|\
         minutes. the job|has timed out after|the job running on runner|no runner matching",
    )
    .with("runner|job|action|server|online|minutes|step|execution")
    .fix(
        "Run the job again; if it comes back, look at the runner's host, its time limit and what it did last",
        "Set the time limit from the usual run time; alert on lost runners",
    ),
    sign(
        Category::JobFailed,
        0.84,
        "The job was cancelled from outside",
        "the operation was canceled|the job was canceled|a task was canceled|the run was canceled|job was cancelled|\
         operation was cancelled",
    )
    .fix("Find who or what cancelled it: a newer run of the same group, a person, a lost runner", "Set concurrency groups on purpose"),
    sign(
        Category::CodeError,
        0.9,
        "The build fails on a compile error",
        ": error: |: fatal error: |error[e|error ts|: error c1|: error c2|: error c3|: error c4|error: cannot find symbol|undefined reference to|\
         compilation error|error cs|e: file://|syntax error, unexpected|: syntax error|error: expected",
    )
    .without("##[error]|npm warn|assertionerror|error: expect(|see log for|see the log")
    .fix("Correct the file and line that the compiler names", "Build every change before it is merged"),
    sign(Category::CodeError, 0.84, "A test fails", "--- fail:|[  failed  ]|: failure|fail: |failed test|✕|● |failed tests/|failed test/|[failed]| failed [|***failed|***timeout|***exception")
        .with("fail|✕|● |***")
        .without("finished: failure|execution failure|build failure|listed below|0 failed|fail: 0|failures: 0|xfail|failed to | passed|... ok")
        .fix("Run the test that the line names alone and read its assertion", "Keep flaky tests out of the gate"),
    sign(Category::JobFailed, 0.88, "The quality gate of the code analysis fails", "quality gate status: failed|quality gate failed|quality gate has failed")
        .fix("Open the analysis that the line links and correct what the gate names", "Show the gate in the review"),
    // `tests/a.py::test_failure FAILED`: the verdict is a word of its own, not a part of the name
    sign(Category::CodeError, 0.84, "A test fails", "::")
        .with("failed |failed:| failed|error tests/|error test/")
        .without("listed below|0 failed|failed to | passed|... ok")
        .fix("Run the test that the line names alone and read its assertion", "Keep flaky tests out of the gate"),
    sign(
        Category::Misconfiguration,
        0.88,
        "The lockfile does not fit what the project asks for",
        "lockfile|lock file|package-lock.json|yarn.lock|pnpm-lock.yaml|cargo.lock|poetry.lock|uv.lock|gemfile.lock|go.sum entry|\
         composer.lock|packages.lock.json|updates to go.mod needed",
    )
    .with(
        "not up to date|not up-to-date|out of date|outdated|needs to be updated|are in sync|out of sync|not in sync|would have been modified|\
         missing go.sum|go.mod needed|since poetry.lock|deployment mode|inconsistent|does not match|don't match|doesn't match",
    )
    .fix("Install without the frozen mode on the branch and commit the lockfile", "Change manifest and lockfile in one commit"),
    sign(
        Category::JobFailed,
        0.86,
        "The code coverage is below what the job demands",
        "required test coverage|coverage threshold|coverage check|coverage for |minimum coverage|coverage failure|coverage ratio|total coverage",
    )
    .with("not reached|not met|does not meet|below|less than|is lower|minimum is|fail-under|fail_under|expected minimum|under ")
    .fix("Test the files with the lowest coverage in the table above, or correct the threshold", "Show coverage in the review"),
    sign(
        Category::CodeError,
        0.92,
        "A sanitizer found a fault in the program",
        "addresssanitizer:|threadsanitizer:|undefinedbehaviorsanitizer:|memorysanitizer:|leaksanitizer:|: runtime error: ",
    )
    .without("runtime error: invalid memory|runtime error: index")
    .fix("Read the first frame of its own code below this line", "Run the sanitizers on every change"),
    sign(Category::CodeError, 0.86, "A test fails", "failure/error:|assertionfailederror|assertionfailed:|error: expect(|timed out retrying after")
        .fix("Run the test that the lines beside it name alone and read its assertion", "Keep flaky tests out of the gate"),
    sign(
        Category::ConfigMissing,
        0.86,
        "A package that the job asks for does not exist: {thing}",
        "unable to locate package|no matching distribution found|has no installation candidate|no package matches|could not find a version that satisfies|\
         package not found|unable to find a match: |nothing provides |could not find package",
    )
    .about(Thing::Quoted)
    .fix("Correct the name or version of the package, or add the repository that has it", "Pin packages and mirrors"),
    sign(Category::CodeError, 0.74, "A warning is treated as an error", "warnings treated as errors|warnings being treated as errors|treated as error")
        .fix("Correct the warning just before this line", "Show the same warnings locally"),
    sign(
        Category::CodeError,
        0.78,
        "A check of the code's form fails (lint)",
        "would reformat|lint error|lint for |error  |eslint|formatting issues|code style issues",
    )
    .with("lint for|would reformat|error|fail|code style issues")
    .without("0 errors|lint error count: 0")
    .fix("Run the linter on the file that the line names and commit the result", "Run linters before pushing"),
    sign(
        Category::CodeError,
        0.72,
        "A step of the job fails",
        "conflict (|merge conflict|could not apply|non-fast-forward|fatal: ",
    )
    .without("fatal: not a git repository")
    .fix("Repeat the command that the line names", "Run the same step before pushing"),
    // these say that a step failed, not why: any reason beside them is better
    sign(
        Category::CodeError,
        0.58,
        "A step of the job fails",
        "compilation failed|compile error|compilation error|linker command failed|build failed|build failure|failed to compile|\
         returned a non-zero|npm err!|make: ***|failed to solve|test failed|tests failed|failures:|lint failed|ninja: build stopped",
    )
    .without("0 failed|failures: 0")
    .fix("Repeat the command that the line names", "Run the same step before pushing"),
];
